/** The sequence parameter set (ITU-T H.264 §7.3.2.1.1), up to the size of the pictures. @module */
import { BitReader } from "../../bytes/mod.ts";
import { described, type VideoDescription } from "../flags.ts";
import { rbspOf } from "../rbsp.ts";

const PROFILES: ReadonlyMap<number, string> = new Map([
  [66, "Baseline"],
  [77, "Main"],
  [88, "Extended"],
  [100, "High"],
  [110, "High 10"],
  [122, "High 4:2:2"],
  [244, "High 4:4:4 Predictive"],
]);

/** Profiles whose SPS names its chroma format. */
const WITH_CHROMA = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/** Reads the SPS NAL unit `bytes[from..to)`, its header byte included. */
export function describeSps(
  bytes: Uint8Array,
  from: number,
  to: number,
): VideoDescription | undefined {
  const bits = new BitReader(rbspOf(bytes, from + 1, to));
  const profile = bits.bits(8);
  const constraints = bits.bits(8);
  const level = bits.bits(8);
  bits.ue(); // seq_parameter_set_id
  const chroma = WITH_CHROMA.includes(profile) ? readChroma(bits) : 1;
  bits.ue(); // log2_max_frame_num_minus4
  skipPictureOrder(bits);
  bits.ue(); // max_num_ref_frames
  bits.bit(); // gaps_in_frame_num_value_allowed_flag
  const widthInBlocks = bits.ue() + 1;
  const heightInUnits = bits.ue() + 1;
  const framesOnly = bits.bit();
  if (framesOnly === 0) bits.bit(); // mb_adaptive_frame_field_flag
  bits.bit(); // direct_8x8_inference_flag
  let cropX = 0;
  let cropY = 0;
  if (bits.flag()) {
    // Table 6-1; without chroma (0) and in 4:4:4 (3) the unit is one sample.
    cropX = (bits.ue() + bits.ue()) * (chroma === 1 || chroma === 2 ? 2 : 1);
    cropY = (bits.ue() + bits.ue()) * (chroma === 1 ? 2 : 1) * (2 - framesOnly);
  }
  if (bits.overrun) return undefined;
  return described(
    widthInBlocks * 16 - cropX,
    heightInUnits * 16 * (2 - framesOnly) - cropY,
    h264Profile(profile, constraints),
    h264Level(profile, constraints, level),
  );
}

/** `profile_idc` and the constraint flags as a name. */
export function h264Profile(profile: number, constraints: number): string {
  if (profile === 66 && (constraints & 0x40) !== 0) return "Constrained Baseline";
  if (profile === 100 && (constraints & 0x0c) === 0x0c) return "Constrained High";
  return PROFILES.get(profile) ?? String(profile);
}

/** Table A-1; level 1b is 11 with constraint_set3_flag in the old profiles, 9 in the others. */
export function h264Level(profile: number, constraints: number, level: number): string {
  const old = profile === 66 || profile === 77 || profile === 88;
  if (level === 9 || (old && level === 11 && (constraints & 0x10) !== 0)) return "1b";
  return String(level / 10);
}

function readChroma(bits: BitReader): number {
  const chroma = bits.ue();
  const separatePlanes = chroma === 3 && bits.flag();
  bits.ue(); // bit_depth_luma_minus8
  bits.ue(); // bit_depth_chroma_minus8
  bits.bit(); // qpprime_y_zero_transform_bypass_flag
  if (bits.flag()) {
    const lists = chroma === 3 ? 12 : 8;
    for (let i = 0; i < lists; i++) if (bits.flag()) skipScalingList(bits, i < 6 ? 16 : 64);
  }
  return separatePlanes ? 0 : chroma;
}

function skipScalingList(bits: BitReader, size: number): void {
  let last = 8;
  for (let i = 0; i < size; i++) {
    const next = (last + bits.se() + 256) & 0xff;
    if (next === 0 || bits.overrun) return;
    last = next;
  }
}

function skipPictureOrder(bits: BitReader): void {
  const type = bits.ue();
  if (type === 0) bits.ue();
  if (type !== 1) return;
  bits.bit();
  bits.se();
  bits.se();
  const count = bits.ue();
  for (let i = 0; i < count && !bits.overrun; i++) bits.se();
}
