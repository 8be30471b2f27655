/** The sequence parameter set (ITU-T H.265 §7.3.2.2.1), up to the size of the pictures. @module */
import { BitReader } from "../../bytes/mod.ts";
import { described, type VideoDescription } from "../flags.ts";
import { rbspOf } from "../rbsp.ts";

const PROFILES: ReadonlyMap<number, string> = new Map([
  [1, "Main"],
  [2, "Main 10"],
  [3, "Main Still Picture"],
  [4, "Range Extensions"],
  [9, "Screen Content Coding"],
]);

/** Reads the SPS NAL unit `bytes[from..to)`, its two header bytes included. */
export function describeSps265(
  bytes: Uint8Array,
  from: number,
  to: number,
): VideoDescription | undefined {
  const bits = new BitReader(rbspOf(bytes, from + 2, to));
  bits.skip(4); // sps_video_parameter_set_id
  const subLayers = bits.bits(3);
  bits.skip(1); // sps_temporal_id_nesting_flag
  bits.skip(3); // general_profile_space, general_tier_flag
  const profile = bits.bits(5);
  bits.skip(32 + 48); // compatibility and constraint flags
  const level = bits.bits(8);
  skipSubLayers(bits, subLayers);
  bits.ue(); // sps_seq_parameter_set_id
  const chroma = bits.ue();
  const separatePlanes = chroma === 3 && bits.flag();
  let width = bits.ue();
  let height = bits.ue();
  if (bits.flag()) {
    const planes = separatePlanes ? 0 : chroma;
    width -= (bits.ue() + bits.ue()) * (planes === 1 || planes === 2 ? 2 : 1);
    height -= (bits.ue() + bits.ue()) * (planes === 1 ? 2 : 1);
  }
  if (bits.overrun) return undefined;
  return described(width, height, h265Profile(profile), h265Level(level));
}

/** general_profile_idc as a name. */
export function h265Profile(profile: number): string {
  return PROFILES.get(profile) ?? String(profile);
}

/** general_level_idc, which is 30 times the level. */
export function h265Level(level: number): string {
  return String(Math.round(level / 3) / 10);
}

/** The part of profile_tier_level (§7.3.3) behind general_level_idc. */
function skipSubLayers(bits: BitReader, subLayers: number): void {
  if (subLayers === 0) return;
  let size = 0;
  for (let i = 0; i < subLayers; i++) {
    if (bits.flag()) size += 88;
    if (bits.flag()) size += 8;
  }
  bits.skip((8 - subLayers) * 2 + size);
}
