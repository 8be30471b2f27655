/**
 * RTP payloads of H.265 (RFC 7798 §4.4), without DON fields (`sprop-max-don-diff` is not offered).
 *
 *     |F|   Type (6)  | LayerId (6) | TID (3) |      0..47: the NAL unit itself
 *     AP  | 48 (16) | size (16) | NAL unit | size (16) | NAL unit | ...
 *     FU  | 49 (16) | |S|E| Type (6) | fragment
 *
 * @module
 */
import { u8, u16 } from "../../bytes/mod.ts";
import { FRAME_START, KEYFRAME, type VideoDescription } from "../flags.ts";
import { describeSps265 } from "./sps.ts";

const VPS = 32;
const SPS = 33;
const AGGREGATION = 48;
const FRAGMENT = 49;

/**
 * Bits of `../flags.ts` for the payload `bytes[from..to)`. Parameter sets count as the start of a
 * keyframe.
 */
export function inspectH265(bytes: Uint8Array, from: number, to: number): number {
  if (from + 2 > to) return 0;
  const type = typeAt(bytes, from);
  if (type === FRAGMENT) {
    if (from + 3 > to || u8(bytes, from + 2) < 0x80) return 0;
    return flagsOfType(u8(bytes, from + 2) & 0x3f, from + 3 < to && u8(bytes, from + 3) >= 0x80);
  }
  if (type !== AGGREGATION) return flagsOf(bytes, from, to);
  // The first unit says whether a frame starts, the first picture of it whether it is a keyframe.
  let at = from + 2;
  let flags = 0;
  while (at + 2 < to) {
    const unit = at + 2;
    const end = Math.min(to, unit + u16(bytes, at));
    const found = flagsOf(bytes, unit, end);
    if (at === from + 2) flags = found & FRAME_START;
    if ((found & KEYFRAME) !== 0) flags = FRAME_START | KEYFRAME;
    else if (unit < end && typeAt(bytes, unit) < 16) return flags & FRAME_START;
    at = end;
  }
  return flags;
}

/** Size, profile and level out of the payload's sequence parameter set, if it holds a whole one. */
export function describeH265(
  bytes: Uint8Array,
  from: number,
  to: number,
): VideoDescription | undefined {
  if (from + 2 > to) return undefined;
  const type = typeAt(bytes, from);
  if (type === SPS) return describeSps265(bytes, from, to);
  if (type !== AGGREGATION) return undefined;
  let at = from + 2;
  while (at + 2 < to) {
    const unit = at + 2;
    const end = Math.min(to, unit + u16(bytes, at));
    if (unit < end && typeAt(bytes, unit) === SPS) return describeSps265(bytes, unit, end);
    at = end;
  }
  return undefined;
}

function typeAt(bytes: Uint8Array, at: number): number {
  return (u8(bytes, at) >> 1) & 0x3f;
}

function flagsOf(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return 0;
  // first_slice_segment_in_pic_flag is the first bit behind the NAL unit header.
  return flagsOfType(typeAt(bytes, at), at + 2 < end && u8(bytes, at + 2) >= 0x80);
}

function flagsOfType(type: number, firstSlice: boolean): number {
  // VPS and SPS come with an IRAP picture: BLA, IDR or CRA, 16 to 21.
  if (type === VPS || type === SPS) return FRAME_START | KEYFRAME;
  if (type >= 16 && type <= 21) return firstSlice ? FRAME_START | KEYFRAME : 0;
  if (type < VPS) return firstSlice ? FRAME_START : 0;
  // PPS, access unit delimiter, prefix SEI.
  return type === 34 || type === 35 || type === 39 ? FRAME_START : 0;
}
