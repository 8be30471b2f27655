/**
 * Transport-wide congestion control feedback, RTPFB with FMT 15
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
 *
 * ```text
 * |      base sequence number     |      packet status count      |
 * |          reference time, 64 ms                | fb pkt. count |
 * |          packet chunk         |         packet chunk          |
 * |         packet chunk          |  recv delta   |  recv delta   |
 *
 * run length chunk     |0| S |       run length (13)       |
 * status vector chunk  |1|0|  14 symbols of 1 bit          |
 *                      |1|1|   7 symbols of 2 bits         |
 * ```
 *
 * A symbol is 0 not received, 1 received with a delta of one byte (0 to 255), 2 of two bytes
 * (signed). Deltas count 250 us.
 *
 * @module
 */
import type { Fault } from "../../base/mod.ts";
import { putU16, putU24, putU32, u8, u16, u24, u32 } from "../../bytes/mod.ts";
import { BAD_FEEDBACK, type TransportFeedback } from "./packets.ts";
import {
  chunkSize,
  FIXED_BYTES,
  LARGE,
  MAX_RUN,
  NOT_RECEIVED,
  SMALL,
  symbolOf,
} from "./status_chunk.ts";

/** Microseconds of one delta. */
export const DELTA_MICROS: number = 250;
/** Deltas in one step of the reference time, 64 ms. */
export const DELTAS_PER_REFERENCE: number = 256;

/** Decodes the body (from the sender's SSRC on) of such a packet in `bytes[at..end)`. */
export function decodeTransportFeedback(
  bytes: Uint8Array,
  at: number,
  end: number,
): TransportFeedback | Fault {
  if (at + FIXED_BYTES > end) return BAD_FEEDBACK;
  const count = u16(bytes, at + 10);
  const symbols = new Uint8Array(count);
  const deltasAt = decodeSymbols(bytes, at + FIXED_BYTES, end, symbols);
  if (deltasAt < 0) return BAD_FEEDBACK;
  const deltas = decodeDeltas(bytes, deltasAt, end, symbols);
  if (deltas === undefined) return BAD_FEEDBACK;
  return {
    type: "twcc",
    senderSsrc: u32(bytes, at),
    mediaSsrc: u32(bytes, at + 4),
    baseSequence: u16(bytes, at + 8),
    referenceTime: u24(bytes, at + 12),
    feedbackCount: u8(bytes, at + 15),
    deltas,
  };
}

/**
 * Fills `symbols` from the chunks at `at`; returns the offset behind them, -1 when they end too
 * early.
 */
function decodeSymbols(bytes: Uint8Array, at: number, end: number, symbols: Uint8Array): number {
  let filled = 0;
  let offset = at;
  for (; filled < symbols.length; offset += 2) {
    if (offset + 2 > end) return -1;
    const chunk = u16(bytes, offset);
    const size = chunkSize(chunk);
    if (size === 0) return -1; // a run of nothing brings nothing on
    const to = Math.min(filled + size, symbols.length);
    for (let i = filled; i < to; i++) symbols[i] = symbolOf(chunk, i - filled);
    filled = to;
  }
  return offset;
}

function decodeDeltas(
  bytes: Uint8Array,
  at: number,
  end: number,
  symbols: Uint8Array,
): (number | undefined)[] | undefined {
  const deltas: (number | undefined)[] = [];
  let offset = at;
  for (const symbol of symbols) {
    if (symbol === NOT_RECEIVED) {
      deltas.push(undefined);
      continue;
    }
    const size = symbol === SMALL ? 1 : 2;
    if (symbol > LARGE || offset + size > end) return undefined;
    deltas.push(size === 1 ? u8(bytes, offset) : (u16(bytes, offset) << 16) >> 16);
    offset += size;
  }
  return deltas;
}

/** Bytes of the body that `putTransportFeedback` writes, without padding. */
export function transportFeedbackBytes(feedback: TransportFeedback): number {
  const symbols = symbolsOf(feedback.deltas);
  let size = FIXED_BYTES;
  for (const symbol of symbols) size += symbol;
  for (let i = 0; i < symbols.length; i += chunkSize(chunkFor(symbols, i))) size += 2;
  return size;
}

/** Writes the body at `at`; returns the offset behind it. */
export function putTransportFeedback(
  out: Uint8Array,
  at: number,
  feedback: TransportFeedback,
): number {
  const { deltas } = feedback;
  putU32(out, at, feedback.senderSsrc);
  putU32(out, at + 4, feedback.mediaSsrc);
  putU16(out, at + 8, feedback.baseSequence);
  putU16(out, at + 10, deltas.length);
  putU24(out, at + 12, feedback.referenceTime);
  out[at + 15] = feedback.feedbackCount;
  const symbols = symbolsOf(deltas);
  let offset = at + FIXED_BYTES;
  for (let i = 0; i < symbols.length; offset += 2) {
    const chunk = chunkFor(symbols, i);
    putU16(out, offset, chunk);
    i += chunkSize(chunk);
  }
  for (const delta of deltas) {
    if (delta === undefined) continue;
    if (isSmall(delta)) out[offset] = delta;
    else putU16(out, offset, delta);
    offset += isSmall(delta) ? 1 : 2;
  }
  return offset;
}

function isSmall(delta: number): boolean {
  return delta >= 0 && delta <= 255;
}

/** One byte per packet; the symbols happen to be the sizes of the deltas. */
function symbolsOf(deltas: readonly (number | undefined)[]): Uint8Array {
  const symbols = new Uint8Array(deltas.length);
  for (let i = 0; i < deltas.length; i++) {
    const delta = deltas[i];
    if (delta !== undefined) symbols[i] = isSmall(delta) ? SMALL : LARGE;
  }
  return symbols;
}

/** The chunk for the symbols from `from` on that covers most of them. */
function chunkFor(symbols: Uint8Array, from: number): number {
  const first = u8(symbols, from);
  let run = 1;
  while (run < MAX_RUN && from + run < symbols.length && u8(symbols, from + run) === first)
    run += 1;
  const left = symbols.length - from;
  let bits = 0;
  while (bits < 14 && bits < left && u8(symbols, from + bits) !== LARGE) bits += 1;
  const vector = bits === Math.min(14, left) ? 14 : 7;
  if (run >= vector || run === left) return (first << 13) | run;
  let chunk = vector === 14 ? 0x8000 : 0xc000;
  for (let i = 0; i < Math.min(vector, left); i++) {
    const symbol = u8(symbols, from + i);
    chunk |= vector === 14 ? symbol << (13 - i) : symbol << (12 - 2 * i);
  }
  return chunk;
}
