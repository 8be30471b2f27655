/**
 * The RTP header (RFC 3550 §5.1), read in place.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *     |                           timestamp                           |
 *     |           synchronization source (SSRC) identifier            |
 *     |            contributing source (CSRC) identifiers  ...        |
 *     |      defined by profile       |   length in 32-bit words      |  if X
 *     |                        header extension ...                   |
 *     |                 payload ...                   | padding count |  if P
 *
 * @module
 */
import type { Fault } from "../../base/mod.ts";
import { putU16, putU32, u8, u16, u32 } from "../../bytes/mod.ts";
import { RTP_PADDING, RTP_TRUNCATED, RTP_VERSION } from "./faults.ts";

/** Bytes of the header without CSRCs and extension. */
export const RTP_HEADER_BYTES = 12;

/** Where things are in one packet. Offsets count from the first byte of the packet. */
export interface RtpHeader {
  readonly payloadType: number;
  readonly marker: boolean;
  /** 16 bits. */
  readonly sequenceNumber: number;
  /** 32 bits, unsigned. */
  readonly timestamp: number;
  /** 32 bits, unsigned. */
  readonly ssrc: number;
  /** First byte of the payload. */
  readonly payloadAt: number;
  /** One past the last byte of the payload; padding is behind it. */
  readonly payloadEnd: number;
  /** First byte of the extension elements (behind their 4-byte header), 0 without an extension. */
  readonly extensionAt: number;
  /** One past the last byte of the extension, 0 without one. */
  readonly extensionEnd: number;
  /** "Defined by profile": 0xbede or 0x1000..0x100f for RFC 8285, 0 without an extension. */
  readonly profile: number;
}

/**
 * Reads the header of a plaintext RTP packet. Faults: `RTP_TRUNCATED`, `RTP_VERSION`,
 * `RTP_PADDING`.
 */
export function decodeRtp(bytes: Uint8Array): RtpHeader | Fault {
  const size = bytes.length;
  if (size < RTP_HEADER_BYTES) return RTP_TRUNCATED;
  const first = u8(bytes, 0);
  if (first >> 6 !== 2) return RTP_VERSION;
  const second = u8(bytes, 1);
  let payloadAt = RTP_HEADER_BYTES + (first & 0x0f) * 4;
  let extensionAt = 0;
  let extensionEnd = 0;
  let profile = 0;
  if ((first & 0x10) !== 0) {
    if (payloadAt + 4 > size) return RTP_TRUNCATED;
    profile = u16(bytes, payloadAt);
    extensionAt = payloadAt + 4;
    extensionEnd = extensionAt + u16(bytes, payloadAt + 2) * 4;
    payloadAt = extensionEnd;
  }
  if (payloadAt > size) return RTP_TRUNCATED;
  let payloadEnd = size;
  if ((first & 0x20) !== 0) {
    const padding = u8(bytes, size - 1);
    if (padding === 0 || padding > size - payloadAt) return RTP_PADDING;
    payloadEnd = size - padding;
  }
  return {
    payloadType: second & 0x7f,
    marker: second >= 0x80,
    sequenceNumber: u16(bytes, 2),
    timestamp: u32(bytes, 4),
    ssrc: u32(bytes, 8),
    payloadAt,
    payloadEnd,
    extensionAt,
    extensionEnd,
    profile,
  };
}

/**
 * Bytes in front of the payload, without looking at padding: for SRTP, where padding is still
 * encrypted (RFC 3711 §3.1). Faults: `RTP_TRUNCATED`, `RTP_VERSION`.
 */
export function rtpHeaderLength(bytes: Uint8Array, size: number = bytes.length): number | Fault {
  if (size < RTP_HEADER_BYTES) return RTP_TRUNCATED;
  const first = u8(bytes, 0);
  if (first >> 6 !== 2) return RTP_VERSION;
  let length = RTP_HEADER_BYTES + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (length + 4 > size) return RTP_TRUNCATED;
    length += 4 + u16(bytes, length + 2) * 4;
  }
  return length > size ? RTP_TRUNCATED : length;
}

/**
 * Writes a header without padding, CSRCs and extension into 12 bytes of `out`; returns the offset
 * behind it.
 */
export function encodeRtpHeader(
  out: Uint8Array,
  at: number,
  payloadType: number,
  marker: boolean,
  sequenceNumber: number,
  timestamp: number,
  ssrc: number,
): number {
  out[at] = 0x80;
  out[at + 1] = (marker ? 0x80 : 0) | payloadType;
  putU16(out, at + 2, sequenceNumber);
  putU32(out, at + 4, timestamp);
  putU32(out, at + 8, ssrc);
  return at + RTP_HEADER_BYTES;
}
