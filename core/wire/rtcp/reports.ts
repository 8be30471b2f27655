/**
 * Report blocks of SR and RR (RFC 3550 §6.4.1).
 *
 * ```text
 * |                              SSRC                             |
 * | fraction lost |       cumulative number of packets lost       |
 * |           extended highest sequence number received           |
 * |                      interarrival jitter                      |
 * |                         last SR (LSR)                         |
 * |                   delay since last SR (DLSR)                  |
 * ```
 *
 * @module
 */
import { putU24, putU32, u8, u24, u32 } from "../../bytes/mod.ts";
import { type CompoundCursor, HEADER_BYTES } from "./compound.ts";
import { Pt, type ReportBlock } from "./packets.ts";

export const REPORT_BLOCK_BYTES: number = 24;
/** Behind the header of an SR: SSRC, NTP and RTP time, packets and octets. */
export const SENDER_INFO_BYTES: number = 24;

/**
 * Offset of report block `index` of the SR or RR under the cursor, -1 when it is not there. With
 * the `*At` functions below, blocks are read without making objects.
 */
export function reportBlockAt(cursor: CompoundCursor, index: number): number {
  const info = cursor.type === Pt.SenderReport ? SENDER_INFO_BYTES : HEADER_BYTES;
  const at = cursor.at + info + index * REPORT_BLOCK_BYTES;
  return index < cursor.count && at + REPORT_BLOCK_BYTES <= cursor.end ? at : -1;
}

export function blockSsrcAt(bytes: Uint8Array, at: number): number {
  return u32(bytes, at);
}

export function fractionLostAt(bytes: Uint8Array, at: number): number {
  return u8(bytes, at + 4);
}

/** Signed. */
export function cumulativeLostAt(bytes: Uint8Array, at: number): number {
  return (u24(bytes, at + 5) << 8) >> 8;
}

export function highestSequenceAt(bytes: Uint8Array, at: number): number {
  return u32(bytes, at + 8);
}

export function jitterAt(bytes: Uint8Array, at: number): number {
  return u32(bytes, at + 12);
}

export function lastSrAt(bytes: Uint8Array, at: number): number {
  return u32(bytes, at + 16);
}

export function delaySinceLastSrAt(bytes: Uint8Array, at: number): number {
  return u32(bytes, at + 20);
}

/** A block as a value. */
export function decodeReportBlock(bytes: Uint8Array, at: number): ReportBlock {
  return {
    ssrc: blockSsrcAt(bytes, at),
    fractionLost: fractionLostAt(bytes, at),
    cumulativeLost: cumulativeLostAt(bytes, at),
    highestSequence: highestSequenceAt(bytes, at),
    jitter: jitterAt(bytes, at),
    lastSr: lastSrAt(bytes, at),
    delaySinceLastSr: delaySinceLastSrAt(bytes, at),
  };
}

/**
 * Writes a block at `at`; returns where the next goes. `cumulativeLost` stops at the ends of 24
 * bits.
 */
export function putReportBlock(out: Uint8Array, at: number, block: ReportBlock): number {
  putU32(out, at, block.ssrc);
  out[at + 4] = block.fractionLost;
  putU24(out, at + 5, Math.max(-0x80_0000, Math.min(0x7f_ffff, block.cumulativeLost)));
  putU32(out, at + 8, block.highestSequence);
  putU32(out, at + 12, block.jitter);
  putU32(out, at + 16, block.lastSr);
  putU32(out, at + 20, block.delaySinceLastSr);
  return at + REPORT_BLOCK_BYTES;
}

/**
 * Round trip in ms from a report block and the compact NTP time it arrived at (RFC 3550 §6.4.1,
 * figure 2); `undefined` when it names no SR, or one from the future.
 */
export function roundTripMillis(
  lastSr: number,
  delaySinceLastSr: number,
  arrived: number,
): number | undefined {
  if (lastSr === 0) return undefined;
  const units = (arrived - lastSr - delaySinceLastSr) | 0;
  return units < 0 ? undefined : (units / 65_536) * 1000;
}
