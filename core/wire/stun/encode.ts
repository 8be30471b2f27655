import type { Hmac } from "../../base/mod.ts";
import { crc32, putU16, putU32 } from "../../bytes/mod.ts";
import {
  Attr,
  FINGERPRINT_XOR,
  HEADER_BYTES,
  INTEGRITY_BYTES,
  integrity,
  MAGIC_COOKIE,
  type StunAttribute,
} from "./attributes.ts";

export interface StunDraft {
  /** Method and class, as `BINDING_SUCCESS`. */
  readonly type: number;
  /** 12 bytes. */
  readonly transactionId: Uint8Array;
  /** Without MESSAGE-INTEGRITY and FINGERPRINT, which are appended. */
  readonly attributes: readonly StunAttribute[];
}

/**
 * A fresh message: with MESSAGE-INTEGRITY when `hmac` (HMAC-SHA1) is given, always with
 * FINGERPRINT.
 */
export function encodeStun(draft: StunDraft, hmac?: Hmac): Uint8Array {
  let size = HEADER_BYTES + 8;
  if (hmac !== undefined) size += 4 + INTEGRITY_BYTES;
  for (const { value } of draft.attributes) size += 4 + ((value.length + 3) & ~3);
  const out = new Uint8Array(size);
  putU16(out, 0, draft.type);
  putU16(out, 2, size - HEADER_BYTES);
  putU32(out, 4, MAGIC_COOKIE);
  out.set(draft.transactionId, 8);
  let at = HEADER_BYTES;
  for (const one of draft.attributes) at = putAttribute(out, at, one.type, one.value);
  if (hmac !== undefined) {
    at = putAttribute(out, at, Attr.MessageIntegrity, integrity(out, at, hmac));
  }
  const crc = new Uint8Array(4);
  putU32(crc, 0, crc32(out, 0, at) ^ FINGERPRINT_XOR);
  putAttribute(out, at, Attr.Fingerprint, crc);
  return out;
}

function putAttribute(out: Uint8Array, at: number, type: number, value: Uint8Array): number {
  putU16(out, at, type);
  putU16(out, at + 2, value.length);
  out.set(value, at + 4);
  return at + 4 + ((value.length + 3) & ~3);
}
