/**
 * AES-GCM protection of records (RFC 5288 §3, RFC 6347 §4.1.2):
 *
 *   fragment   = nonce_explicit[8] | ciphertext | tag[16]
 *   nonce      = write_IV[4] | nonce_explicit, which is epoch | sequence_number
 *   additional = epoch | sequence_number | type | version | plaintext length
 *
 * The explicit nonce is a counter by construction: it cannot repeat under one key.
 *
 * @module
 */

import type { AesGcm } from "../../../base/mod.ts";
import { concat, putU16, putU48 } from "../../../bytes/mod.ts";
import { DTLS_1_2, type DtlsRecord } from "../../../wire/dtls/mod.ts";

const EXPLICIT_NONCE_BYTES = 8;
/** What protection adds to a fragment. */
export const PROTECTION_BYTES: number = EXPLICIT_NONCE_BYTES + 16;

/** One direction of epoch 1. */
export interface RecordKey {
  readonly gcm: AesGcm;
  /** 4 bytes. */
  readonly iv: Uint8Array;
}

/** `fragment` of `record` protected. */
export function sealFragment(key: RecordKey, record: DtlsRecord): Uint8Array {
  const explicit = epochAndSequence(record);
  const nonce = concat([key.iv, explicit]);
  const additional = additionalData(explicit, record.type, record.fragment.length);
  return concat([explicit, key.gcm.seal(nonce, additional, record.fragment)]);
}

/** The plaintext, or `undefined` when the tag is wrong. */
export function openFragment(key: RecordKey, record: DtlsRecord): Uint8Array | undefined {
  const size = record.fragment.length - PROTECTION_BYTES;
  if (size < 0) return undefined;
  const nonce = concat([key.iv, record.fragment.subarray(0, EXPLICIT_NONCE_BYTES)]);
  const additional = additionalData(epochAndSequence(record), record.type, size);
  return key.gcm.open(nonce, additional, record.fragment.subarray(EXPLICIT_NONCE_BYTES));
}

function epochAndSequence(record: DtlsRecord): Uint8Array {
  const out = new Uint8Array(8);
  putU16(out, 0, record.epoch);
  putU48(out, 2, record.sequence);
  return out;
}

function additionalData(explicit: Uint8Array, type: number, size: number): Uint8Array {
  const out = new Uint8Array(13);
  out.set(explicit);
  out[8] = type;
  putU16(out, 9, DTLS_1_2);
  putU16(out, 11, size);
  return out;
}
