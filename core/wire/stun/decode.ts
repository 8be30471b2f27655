import { type CryptoProvider, type Fault, type Hmac, isFault } from "../../base/mod.ts";
import { crc32, u16, u32 } from "../../bytes/mod.ts";
import {
  Attr,
  BAD_FINGERPRINT,
  BAD_LENGTH,
  FINGERPRINT_XOR,
  HEADER_BYTES,
  INTEGRITY_BYTES,
  integrity,
  MAGIC_COOKIE,
  NOT_STUN,
  type StunAttribute,
  TOO_MANY_ATTRIBUTES,
  TRUNCATED,
  UNDERSTOOD,
} from "./attributes.ts";

/** Attributes of one message; browsers send about ten. */
export const MAX_ATTRIBUTES: number = 64;

/** A decoded message. All byte fields are views of the packet it came from. */
export interface StunMessage {
  /** Method and class, as `BINDING_REQUEST`. */
  readonly type: number;
  /** 12 bytes. */
  readonly transactionId: Uint8Array;
  /**
   * The attributes that count, in order: what follows MESSAGE-INTEGRITY is left out (RFC 8489
   * §14.5), and so are MESSAGE-INTEGRITY and FINGERPRINT themselves.
   */
  readonly attributes: readonly StunAttribute[];
  /** The whole message. */
  readonly bytes: Uint8Array;
  /** Offset of the header of MESSAGE-INTEGRITY, or -1. */
  readonly integrityAt: number;
  /** Whether a FINGERPRINT was there; it was right, then. */
  readonly fingerprinted: boolean;
}

/**
 * Decodes one message that fills `bytes` exactly. A FINGERPRINT that is wrong or not last is a
 * fault (§7.3 of RFC 8489: it is not STUN then); one that is missing is not, since peers in the
 * field leave it out.
 */
export function decodeStun(bytes: Uint8Array): StunMessage | Fault {
  const wrong = checkHeader(bytes);
  if (wrong !== undefined) return wrong;
  const attributes: StunAttribute[] = [];
  let integrityAt = -1;
  let fingerprinted = false;
  let count = 0;
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    if (fingerprinted) return BAD_FINGERPRINT; // not the last one
    if (++count > MAX_ATTRIBUTES) return TOO_MANY_ATTRIBUTES;
    const value = valueAt(bytes, at);
    if (isFault(value)) return value;
    const type = u16(bytes, at);
    if (type === Attr.Fingerprint) {
      if (value.length !== 4) return BAD_FINGERPRINT;
      if ((crc32(bytes, 0, at) ^ FINGERPRINT_XOR) >>> 0 !== u32(value, 0)) return BAD_FINGERPRINT;
      fingerprinted = true;
    } else if (integrityAt >= 0) {
      // Ignored: whoever sits between could have put it there.
    } else if (type === Attr.MessageIntegrity) {
      if (value.length !== INTEGRITY_BYTES) return BAD_LENGTH;
      integrityAt = at;
    } else {
      attributes.push({ type, value });
    }
    at += 4 + padded(value.length);
  }
  return {
    type: u16(bytes, 0),
    transactionId: bytes.subarray(8, HEADER_BYTES),
    attributes,
    bytes,
    integrityAt,
    fingerprinted,
  };
}

/** Whether the header is that of a message filling `bytes`; the fault when it is not. */
export function checkHeader(bytes: Uint8Array): Fault | undefined {
  if (bytes.length < HEADER_BYTES) return TRUNCATED;
  if (u16(bytes, 0) > 0x3fff || u32(bytes, 4) !== MAGIC_COOKIE) return NOT_STUN;
  const length = u16(bytes, 2);
  if (length % 4 !== 0 || HEADER_BYTES + length !== bytes.length) return BAD_LENGTH;
  return undefined;
}

/** The value of the attribute whose header is at `at`, a view. */
export function valueAt(bytes: Uint8Array, at: number): Uint8Array | Fault {
  // The message's length is a multiple of 4, and so is `at`: a header always fits.
  const size = u16(bytes, at + 2);
  if (at + 4 + padded(size) > bytes.length) return BAD_LENGTH;
  return bytes.subarray(at + 4, at + 4 + size);
}

function padded(size: number): number {
  return (size + 3) & ~3;
}

/** The first attribute of this type; later ones do not count (RFC 8489 §14). */
export function attribute(message: StunMessage, type: number): Uint8Array | undefined {
  for (const one of message.attributes) if (one.type === type) return one.value;
  return undefined;
}

/**
 * Whether MESSAGE-INTEGRITY is there and made with the key of `hmac` (HMAC-SHA1); constant time.
 */
export function hasIntegrity(
  message: StunMessage,
  hmac: Hmac,
  crypto: Pick<CryptoProvider, "equal">,
): boolean {
  const at = message.integrityAt;
  if (at < 0) return false;
  const given = message.bytes.subarray(at + 4, at + 4 + INTEGRITY_BYTES);
  return crypto.equal(integrity(message.bytes, at, hmac), given);
}

/**
 * Types of the comprehension-required attributes we do not understand, each once: 420 lists them.
 */
export function unknownRequired(message: StunMessage): number[] {
  const unknown: number[] = [];
  for (const { type } of message.attributes) {
    if (type < 0x8000 && !UNDERSTOOD.has(type) && !unknown.includes(type)) unknown.push(type);
  }
  return unknown;
}
