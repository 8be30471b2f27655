/**
 * Redundant audio data (RFC 2198 §3): block headers, then the blocks in the same order; the
 * primary encoding is the last block.
 *
 *      0 1 2 3 4 5 6 7 ...
 *     |1|  block PT   |  timestamp offset (14)    | block length (10) |   each redundant block
 *     |0|  block PT   |                                                   the primary block
 *
 * @module
 */
import type { Fault } from "../../base/mod.ts";
import { u8, u16 } from "../../bytes/mod.ts";
import { RED_TRUNCATED } from "./faults.ts";

/** The primary block of a RED payload. Offsets count as `from` does. */
export interface RedPrimary {
  readonly payloadType: number;
  readonly at: number;
  readonly end: number;
}

/** Finds the primary block in the RED payload `bytes[from..to)`. Fault: `RED_TRUNCATED`. */
export function primaryOfRed(
  bytes: Uint8Array,
  from = 0,
  to: number = bytes.length,
): RedPrimary | Fault {
  let at = from;
  let redundant = 0;
  while (at < to && u8(bytes, at) >= 0x80) {
    if (at + 4 > to) return RED_TRUNCATED;
    redundant += u16(bytes, at + 2) & 0x03ff;
    at += 4;
  }
  if (at >= to) return RED_TRUNCATED;
  const payloadType = u8(bytes, at);
  at += 1 + redundant;
  return at > to ? RED_TRUNCATED : { payloadType, at, end: to };
}
