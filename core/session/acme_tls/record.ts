/**
 * AES-GCM protection of a TLS 1.2 record (RFC 5288 §3, RFC 5246 §6.2.3.3):
 *
 *   fragment   = nonce_explicit[8] | ciphertext | tag[16]
 *   nonce      = write_IV[4] | nonce_explicit, which is the sequence number
 *   additional = sequence number (8) | type | version | plaintext length
 *
 * @module
 */
import { concat, putU16, putU48 } from "../../bytes/mod.ts";
import type { RecordKey } from "../webrtc/dtls/record_cipher.ts";
import { TLS_1_2 } from "./hello.ts";

const NONCE_BYTES = 8;
const TAG_BYTES = 16;

export function sealRecord(
  key: RecordKey,
  sequence: number,
  type: number,
  plaintext: Uint8Array,
): Uint8Array {
  const explicit = number64(sequence);
  const additional = additionalData(sequence, type, plaintext.length);
  return concat([explicit, key.gcm.seal(concat([key.iv, explicit]), additional, plaintext)]);
}

/** The plaintext, or `undefined` when the tag is wrong. */
export function openRecord(
  key: RecordKey | undefined,
  sequence: number,
  type: number,
  fragment: Uint8Array,
): Uint8Array | undefined {
  const size = fragment.length - NONCE_BYTES - TAG_BYTES;
  if (key === undefined || size < 0) return undefined;
  const nonce = concat([key.iv, fragment.subarray(0, NONCE_BYTES)]);
  return key.gcm.open(nonce, additionalData(sequence, type, size), fragment.subarray(NONCE_BYTES));
}

function additionalData(sequence: number, type: number, size: number): Uint8Array {
  const out = new Uint8Array(13);
  out.set(number64(sequence));
  out[8] = type;
  putU16(out, 9, TLS_1_2);
  putU16(out, 11, size);
  return out;
}

function number64(value: number): Uint8Array {
  const out = new Uint8Array(8);
  putU48(out, 2, value);
  return out;
}
