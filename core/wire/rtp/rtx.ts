/**
 * Retransmission payload (RFC 4588 §4): the original sequence number in front of the payload.
 *
 *     | RTP header, SSRC and payload type of RTX |  OSN (16 bits)  | original payload ... |
 *
 * @module
 */
import type { Fault } from "../../base/mod.ts";
import { putU16, putU32, u8, u16 } from "../../bytes/mod.ts";
import { RTX_TRUNCATED } from "./faults.ts";
import type { RtpHeader } from "./header.ts";

/**
 * The original packet out of a retransmission; fresh, padding removed. `ssrc` and `payloadType`
 * are those of the media. Fault: `RTX_TRUNCATED`, which a padding-only probe on the RTX SSRC gives
 * too.
 */
export function unwrapRtx(
  packet: Uint8Array,
  header: RtpHeader,
  ssrc: number,
  payloadType: number,
): Uint8Array | Fault {
  const { payloadAt, payloadEnd } = header;
  if (payloadEnd - payloadAt < 2) return RTX_TRUNCATED;
  const out = new Uint8Array(payloadEnd - 2);
  out.set(packet.subarray(0, payloadAt));
  out.set(packet.subarray(payloadAt + 2, payloadEnd), payloadAt);
  putIdentity(out, payloadType, u16(packet, payloadAt), ssrc);
  return out;
}

/**
 * A retransmission of `packet`; fresh, padding removed. `originalSequenceNumber` is the number
 * under which the receiver knows the packet. Extensions stay where they were.
 */
export function wrapRtx(
  packet: Uint8Array,
  header: RtpHeader,
  originalSequenceNumber: number,
  ssrc: number,
  payloadType: number,
  sequenceNumber: number,
): Uint8Array {
  const { payloadAt, payloadEnd } = header;
  const out = new Uint8Array(payloadEnd + 2);
  out.set(packet.subarray(0, payloadAt));
  putU16(out, payloadAt, originalSequenceNumber);
  out.set(packet.subarray(payloadAt, payloadEnd), payloadAt + 2);
  putIdentity(out, payloadType, sequenceNumber, ssrc);
  return out;
}

function putIdentity(
  out: Uint8Array,
  payloadType: number,
  sequenceNumber: number,
  ssrc: number,
): void {
  out[0] = u8(out, 0) & 0xdf;
  out[1] = (u8(out, 1) & 0x80) | payloadType;
  putU16(out, 2, sequenceNumber);
  putU32(out, 8, ssrc);
}
