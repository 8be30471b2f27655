/** The sequence header OBU (AV1 bitstream §5.5). @module */
import { BitReader } from "../../bytes/mod.ts";
import { described, type VideoDescription } from "../flags.ts";

const PROFILES = ["Main", "High", "Professional"];
const SRGB = { primaries: 1, transfer: 13, matrix: 0 } as const;
const UNSPECIFIED = 2;
/** seq_force_screen_content_tools and seq_force_integer_mv of a stream that chooses per frame. */
const SELECT = 2;

export interface SequenceHeader {
  readonly profile: number;
  /** seq_level_idx and seq_tier of the first operating point, which is the whole stream. */
  readonly level: number;
  readonly tier: number;
  readonly width: number;
  readonly height: number;
  readonly highBitDepth: boolean;
  readonly twelveBit: boolean;
  readonly monochrome: boolean;
  readonly subsamplingX: boolean;
  readonly subsamplingY: boolean;
  readonly chromaSamplePosition: number;
}

/** Reads the payload `bytes[from..to)` of a sequence header OBU; `undefined` when it is cut off. */
export function readSequenceHeader(
  bytes: Uint8Array,
  from: number,
  to: number,
): SequenceHeader | undefined {
  const bits = new BitReader(bytes, from, to);
  const start = readStart(bits);
  skipTools(bits, start.reduced);
  const colour = readColour(bits, start.profile);
  return bits.overrun ? undefined : { ...start, ...colour };
}

/** Size, profile and level of the payload `bytes[from..to)` of a sequence header OBU. */
export function describeSequenceHeader(
  bytes: Uint8Array,
  from: number,
  to: number,
): VideoDescription | undefined {
  const bits = new BitReader(bytes, from, to);
  const { profile, level, width, height } = readStart(bits);
  if (bits.overrun) return undefined;
  return described(width, height, av1Profile(profile), av1Level(level));
}

/** seq_profile as a name. */
export function av1Profile(profile: number): string {
  return PROFILES[profile] ?? String(profile);
}

/** §A.3: seq_level_idx counts four minors per major, from 2.0; 31 is "maximum parameters". */
export function av1Level(level: number): string | undefined {
  return level < 24 ? `${2 + (level >> 2)}.${level & 3}` : undefined;
}

interface Start {
  readonly profile: number;
  readonly reduced: boolean;
  readonly level: number;
  readonly tier: number;
  readonly width: number;
  readonly height: number;
}

/** Up to the size of the pictures. */
function readStart(bits: BitReader): Start {
  const profile = bits.bits(3);
  bits.skip(1); // still_picture
  const reduced = bits.flag();
  const { level, tier } = reduced ? { level: bits.bits(5), tier: 0 } : readOperatingPoints(bits);
  const widthBits = bits.bits(4) + 1;
  const heightBits = bits.bits(4) + 1;
  const width = bits.bits(widthBits) + 1;
  const height = bits.bits(heightBits) + 1;
  return { profile, reduced, level, tier, width, height };
}

/** Reads up to the last operating point; returns the first. */
function readOperatingPoints(bits: BitReader): { level: number; tier: number } {
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
  let first = { level: 0, tier: 0 };
  for (let point = 0; point < points; point++) {
    bits.skip(12); // operating_point_idc
    const level = bits.bits(5);
    const tier = level > 7 ? bits.bit() : 0;
    if (point === 0) first = { level, tier };
    if (delayBits > 0 && bits.flag()) bits.skip(2 * delayBits + 1);
    if (displayDelay && bits.flag()) bits.skip(4);
  }
  return first;
}

/** From frame_id_numbers_present_flag to enable_restoration. */
function skipTools(bits: BitReader, reduced: boolean): void {
  if (!reduced && bits.flag()) bits.skip(4 + 3); // frame ids
  bits.skip(3); // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
  if (!reduced) {
    bits.skip(4); // interintra and masked compound, warped motion, dual filter
    const orderHint = bits.flag();
    if (orderHint) bits.skip(2); // enable_jnt_comp, enable_ref_frame_mvs
    const screen = bits.flag() ? SELECT : bits.bit();
    if (screen > 0 && !bits.flag()) bits.skip(1); // seq_force_integer_mv
    if (orderHint) bits.skip(3);
  }
  bits.skip(3); // enable_superres, enable_cdef, enable_restoration
}

type Colour = Omit<SequenceHeader, keyof Start>;

/** color_config (§5.5.2). */
function readColour(bits: BitReader, profile: number): Colour {
  const highBitDepth = bits.flag();
  const twelveBit = profile === 2 && highBitDepth && bits.flag();
  const monochrome = profile !== 1 && bits.flag();
  let [primaries, transfer, matrix] = [UNSPECIFIED, UNSPECIFIED, UNSPECIFIED];
  if (bits.flag()) [primaries, transfer, matrix] = [bits.bits(8), bits.bits(8), bits.bits(8)];
  const depth = { highBitDepth, twelveBit, monochrome };
  const whole = { subsamplingX: false, subsamplingY: false, chromaSamplePosition: 0 };
  if (monochrome) {
    bits.skip(1);
    return { ...depth, ...whole, subsamplingX: true, subsamplingY: true };
  }
  const { primaries: p, transfer: t, matrix: m } = SRGB;
  if (primaries === p && transfer === t && matrix === m) return { ...depth, ...whole };
  bits.skip(1); // color_range
  if (profile === 1) return { ...depth, ...whole };
  let subsamplingX = true;
  let subsamplingY = profile === 0;
  if (profile === 2 && twelveBit) {
    subsamplingX = bits.flag();
    subsamplingY = subsamplingX && bits.flag();
  }
  const chromaSamplePosition = subsamplingX && subsamplingY ? bits.bits(2) : 0;
  return { ...depth, subsamplingX, subsamplingY, chromaSamplePosition };
}
