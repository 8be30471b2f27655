/** The sequence header OBU (AV1 bitstream §5.5.1), up to the size of the pictures. @module */
import { BitReader } from "../../bytes/mod.ts";
import { described, type VideoDescription } from "../flags.ts";

const PROFILES = ["Main", "High", "Professional"];

/** Reads the payload `bytes[from..to)` of a sequence header OBU. */
export function describeSequenceHeader(
  bytes: Uint8Array,
  from: number,
  to: number,
): VideoDescription | undefined {
  const bits = new BitReader(bytes, from, to);
  const profile = bits.bits(3);
  bits.skip(1); // still_picture
  const reduced = bits.flag();
  const level = reduced ? bits.bits(5) : readOperatingPoints(bits);
  const widthBits = bits.bits(4) + 1;
  const heightBits = bits.bits(4) + 1;
  const width = bits.bits(widthBits) + 1;
  const height = bits.bits(heightBits) + 1;
  if (bits.overrun) return undefined;
  // §A.3: seq_level_idx counts four minors per major, from 2.0; 31 is "maximum parameters".
  const levelName = level < 24 ? `${2 + (level >> 2)}.${level & 3}` : undefined;
  return described(width, height, PROFILES[profile] ?? String(profile), levelName);
}

/**
 * Reads up to the last operating point; returns the level of the first, which is the whole stream.
 */
function readOperatingPoints(bits: BitReader): number {
  let delayBits = 0;
  if (bits.flag()) {
    bits.skip(64); // num_units_in_display_tick, time_scale
    if (bits.flag()) bits.ue(); // num_ticks_per_picture_minus_1
    if (bits.flag()) {
      delayBits = bits.bits(5) + 1;
      bits.skip(32 + 5 + 5);
    }
  }
  const displayDelay = bits.flag();
  const points = bits.bits(5) + 1;
  let first = 0;
  for (let point = 0; point < points; point++) {
    bits.skip(12); // operating_point_idc
    const level = bits.bits(5);
    if (point === 0) first = level;
    if (level > 7) bits.skip(1); // seq_tier
    if (delayBits > 0 && bits.flag()) bits.skip(2 * delayBits + 1);
    if (displayDelay && bits.flag()) bits.skip(4);
  }
  return first;
}
