import { Fault, type Hmac } from "../../base/mod.ts";
import { latin1Bytes, putU16, u8, u16, utf8 } from "../../bytes/mod.ts";

export const HEADER_BYTES: number = 20;
export const MAGIC_COOKIE: number = 0x2112a442;
/** HMAC-SHA1, the value of MESSAGE-INTEGRITY. */
export const INTEGRITY_BYTES: number = 20;
/** XORed into the CRC-32 of FINGERPRINT (RFC 8489 §14.7): "STUN" in ASCII. */
export const FINGERPRINT_XOR: number = 0x5354554e;
/** RFC 8489 §14.3: USERNAME is shorter than 509 bytes; §14.3 of RFC 5389 allowed less than 513. */
export const MAX_USERNAME_BYTES: number = 513;

/** Message types: method Binding (0x001) in each class (RFC 8489 §5). */
export const BINDING_REQUEST: number = 0x0001;
export const BINDING_INDICATION: number = 0x0011;
export const BINDING_SUCCESS: number = 0x0101;
export const BINDING_ERROR: number = 0x0111;

/** Attribute types (IANA "STUN Attributes"). */
export const Attr = {
  MappedAddress: 0x0001,
  Username: 0x0006,
  MessageIntegrity: 0x0008,
  ErrorCode: 0x0009,
  UnknownAttributes: 0x000a,
  Realm: 0x0014,
  Nonce: 0x0015,
  XorMappedAddress: 0x0020,
  Priority: 0x0024,
  UseCandidate: 0x0025,
  Software: 0x8022,
  Fingerprint: 0x8028,
  IceControlled: 0x8029,
  IceControlling: 0x802a,
} as const;

/** Comprehension-required attributes that this codec understands (below 0x8000, RFC 8489 §14). */
export const UNDERSTOOD: ReadonlySet<number> = /* @__PURE__ */ new Set<number>([
  Attr.MappedAddress,
  Attr.Username,
  Attr.MessageIntegrity,
  Attr.ErrorCode,
  Attr.UnknownAttributes,
  Attr.Realm,
  Attr.Nonce,
  Attr.XorMappedAddress,
  Attr.Priority,
  Attr.UseCandidate,
]);

export const TRUNCATED: Fault = /* @__PURE__ */ fault("truncated", "RFC 8489 §5");
export const NOT_STUN: Fault = /* @__PURE__ */ fault("not-stun", "RFC 8489 §5");
export const BAD_LENGTH: Fault = /* @__PURE__ */ fault("bad-length", "RFC 8489 §14");
export const TOO_MANY_ATTRIBUTES: Fault = /* @__PURE__ */ fault(
  "too-many-attributes",
  "RFC 8489 §14",
);
export const BAD_FINGERPRINT: Fault = /* @__PURE__ */ fault("bad-fingerprint", "RFC 8489 §14.7");
export const BAD_ADDRESS: Fault = /* @__PURE__ */ fault("bad-address", "RFC 8489 §14.2");
export const BAD_ERROR_CODE: Fault = /* @__PURE__ */ fault("bad-error-code", "RFC 8489 §14.8");

function fault(code: string, spec: string): Fault {
  return new Fault("core/wire/stun", code, spec);
}

export interface StunAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** The class bits of a message type (RFC 8489 §5, figure 3). */
export type StunClass = "request" | "indication" | "success" | "error";

export function stunClass(type: number): StunClass {
  switch (type & 0x0110) {
    case 0x0000:
      return "request";
    case 0x0010:
      return "indication";
    case 0x0100:
      return "success";
    default:
      return "error";
  }
}

/**
 * What MESSAGE-INTEGRITY whose header is at `at` must hold; the length counts as if it ended there.
 */
export function integrity(bytes: Uint8Array, at: number, hmac: Hmac): Uint8Array {
  const head = bytes.slice(0, 4);
  putU16(head, 2, at + 4 + INTEGRITY_BYTES - HEADER_BYTES);
  return hmac.sign(head, bytes.subarray(4, at));
}

/** ERROR-CODE (RFC 8489 §14.8): 21 reserved bits, class 3..6, number 0..99, reason in UTF-8. */
export interface StunError {
  readonly code: number;
  readonly reason: string;
}

export function decodeErrorCode(value: Uint8Array): StunError | Fault {
  if (value.length < 4) return BAD_ERROR_CODE;
  const hundreds = u8(value, 2) & 7;
  const number = u8(value, 3);
  if (hundreds < 3 || hundreds > 6 || number > 99) return BAD_ERROR_CODE;
  return { code: hundreds * 100 + number, reason: utf8(value.subarray(4)) };
}

/** `reason` is ASCII. */
export function encodeErrorCode(code: number, reason: string): StunAttribute {
  const text = latin1Bytes(reason);
  const value = new Uint8Array(4 + text.length);
  value[2] = Math.floor(code / 100);
  value[3] = code % 100;
  value.set(text, 4);
  return { type: Attr.ErrorCode, value };
}

/** UNKNOWN-ATTRIBUTES (RFC 8489 §14.9): 16-bit attribute types. */
export function encodeUnknownAttributes(types: readonly number[]): StunAttribute {
  const value = new Uint8Array(types.length * 2);
  for (const [i, type] of types.entries()) putU16(value, i * 2, type);
  return { type: Attr.UnknownAttributes, value };
}

export function decodeUnknownAttributes(value: Uint8Array): number[] | Fault {
  if (value.length % 2 !== 0) return BAD_LENGTH;
  const types: number[] = [];
  for (let at = 0; at < value.length; at += 2) types.push(u16(value, at));
  return types;
}
