/**
 * RTP payloads of H.264 (RFC 6184 §5).
 *
 *     |F|NRI|  Type   |   1..23: the NAL unit itself; 24 STAP-A, 25 STAP-B, 26/27 MTAP16/24,
 *                         28/29 FU-A/FU-B
 *     STAP-A  | 24 |         size (16) | NAL unit | size (16) | NAL unit | ...
 *     STAP-B  | 25 | DON (16)  | as STAP-A
 *     MTAP    | 26 | DONB (16) | size (16) | DOND (8) | TS offset (16 or 24) | NAL unit | ...
 *     FU      | 28 | |S|E|R| Type | [DON (16) in FU-B] fragment
 *
 * @module
 */
import { u8, u16 } from "../../bytes/mod.ts";
import { FRAME_START, KEYFRAME, type VideoDescription } from "../flags.ts";
import { describeSps } from "./sps.ts";

const SLICE = 1;
const PARTITION_A = 2;
const IDR = 5;
const SEI = 6;
const SPS = 7;
const PPS = 8;
const DELIMITER = 9;

/**
 * Bits of `../flags.ts` for the payload `bytes[from..to)`. Parameter sets count as the start of a
 * keyframe.
 */
export function inspectH264(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return 0;
  const type = u8(bytes, from) & 0x1f;
  if (type < 24) return flagsOf(bytes, from, to);
  if (type === 28 || type === 29) return flagsOfFragment(bytes, from, to, type);
  const prefix = unitPrefix(type);
  if (prefix < 0) return 0;
  // The first unit says whether a frame starts, the first picture of it whether it is a keyframe.
  const start = firstUnit(from, type);
  let at = start;
  let flags = 0;
  while (at + prefix < to) {
    const unit = at + prefix;
    const end = Math.min(to, unit + unitSize(bytes, at, type));
    const found = flagsOf(bytes, unit, end);
    if (at === start) flags = found & FRAME_START;
    if ((found & KEYFRAME) !== 0) flags = FRAME_START | KEYFRAME;
    else if (unit < end && isInterSlice(u8(bytes, unit) & 0x1f)) return flags & FRAME_START;
    at = end;
  }
  return flags;
}

/** Size, profile and level out of the payload's sequence parameter set, if it holds a whole one. */
export function describeH264(
  bytes: Uint8Array,
  from: number,
  to: number,
): VideoDescription | undefined {
  if (from >= to) return undefined;
  const type = u8(bytes, from) & 0x1f;
  if (type === SPS) return describeSps(bytes, from, to);
  const prefix = unitPrefix(type);
  if (prefix < 0) return undefined;
  let at = firstUnit(from, type);
  while (at + prefix < to) {
    const unit = at + prefix;
    const end = Math.min(to, unit + unitSize(bytes, at, type));
    if (unit < end && (u8(bytes, unit) & 0x1f) === SPS) return describeSps(bytes, unit, end);
    at = end;
  }
  return undefined;
}

/**
 * Bytes between the start of an aggregated unit's entry and the unit; -1 for what does not
 * aggregate.
 */
function unitPrefix(type: number): number {
  if (type === 24 || type === 25) return 2;
  if (type === 26) return 5;
  return type === 27 ? 6 : -1;
}

function firstUnit(from: number, type: number): number {
  return type === 24 ? from + 1 : from + 3;
}

/** Bytes of the NAL unit; in an MTAP the size counts DOND and the time offset too (§5.7.2). */
function unitSize(bytes: Uint8Array, at: number, type: number): number {
  const size = u16(bytes, at);
  return type < 26 ? size : Math.max(0, size - (unitPrefix(type) - 2));
}

/** Some encoders repeat their parameter sets in front of pictures that are no keyframes. */
function isInterSlice(type: number): boolean {
  return type === SLICE || type === PARTITION_A;
}

function flagsOf(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0;
  const type = u8(bytes, at) & 0x1f;
  // first_mb_in_slice is ue(v): its one-bit code is 0.
  const firstSlice = at + 1 < end && u8(bytes, at + 1) >= 0x80;
  return flagsOfType(type, firstSlice);
}

function flagsOfFragment(bytes: Uint8Array, from: number, to: number, type: number): number {
  const data = from + (type === 28 ? 2 : 4);
  if (data > to || u8(bytes, from + 1) < 0x80) return 0;
  const firstSlice = data < to && u8(bytes, data) >= 0x80;
  return flagsOfType(u8(bytes, from + 1) & 0x1f, firstSlice);
}

function flagsOfType(type: number, firstSlice: boolean): number {
  switch (type) {
    case SPS:
      return FRAME_START | KEYFRAME;
    case IDR:
      return firstSlice ? FRAME_START | KEYFRAME : 0;
    case SLICE:
    case PARTITION_A:
      return firstSlice ? FRAME_START : 0;
    case SEI:
    case PPS:
    case DELIMITER:
      return FRAME_START;
    default:
      return 0;
  }
}
