/**
 * Opus packets (RFC 6716 §3.1): how long one lasts, and what it sounds like.
 *
 *     | config (5) |s| c (2) |   c: 0 one frame, 1 and 2 two, 3 a count in the next byte
 *
 * @module
 */
import { u8 } from "../../bytes/mod.ts";

export { type OpusSound, opusSound } from "./sound.ts";

/**
 * Ticks of the 48 kHz RTP clock that the packet `bytes[from..to)` covers; 0 for a packet that is
 * not Opus.
 */
export function opusDuration(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return 0;
  const first = u8(bytes, from);
  const code = first & 3;
  if (code === 3 && from + 1 >= to) return 0;
  const frames = code === 0 ? 1 : code < 3 ? 2 : u8(bytes, from + 1) & 0x3f;
  const duration = frames * frameTicks(first >> 3);
  // A packet is at most 120 ms (§3.2.5, R5).
  return duration > 5760 ? 0 : duration;
}

/** Table 2. */
function frameTicks(config: number): number {
  if (config >= 16) return 120 << (config & 3);
  if (config >= 12) return 480 << (config & 1);
  return (config & 3) === 3 ? 2880 : 480 << (config & 3);
}
