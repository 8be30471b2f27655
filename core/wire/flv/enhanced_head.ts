/**
 * What enhanced tags of sound and pictures begin with (Enhanced RTMP v2, ExAudioTagHeader and
 * ExVideoTagHeader).
 *
 * ```
 *  |...|packet type (4)|  modifiers, multitrack, FourCC (32)
 *  modifier    packet type 7: size less one (8; FF: size less one (16) follows), data, |type (4)|packet type (4)|
 *  multitrack  |kind (4)|packet type (4)|, FourCC, then per track: id (8), and size (24) unless kind is 0
 * ```
 *
 * @module
 */
import type { Fault } from "../../base/mod.ts";
import { latin1, u8, u16, u24 } from "../../bytes/mod.ts";
import { TAG_TRUNCATED } from "./faults.ts";

export interface EnhancedHead {
  readonly packetType: number;
  readonly fourCc: string;
  readonly track: number;
  /** Where the data of the (first) track is. */
  readonly from: number;
  readonly to: number;
}

const MODIFIER = 7;

export function decodeEnhancedHead(tag: Uint8Array, multitrackType: number): EnhancedHead | Fault {
  let packetType = u8(tag, 0) & 0x0f;
  let at = 1;
  while (packetType === MODIFIER) {
    at = behindModifier(tag, at);
    if (at < 0) return TAG_TRUNCATED;
    packetType = u8(tag, at) & 0x0f;
    at += 1;
  }
  let sizeBytes = -1;
  if (packetType === multitrackType) {
    if (tag.length < at + 1) return TAG_TRUNCATED;
    sizeBytes = u8(tag, at) >> 4 === 0 ? 0 : 3;
    packetType = u8(tag, at) & 0x0f;
    at += 1;
  }
  if (tag.length < at + 4) return TAG_TRUNCATED;
  const fourCc = latin1(tag, at, at + 4);
  at += 4;
  if (sizeBytes < 0) return { packetType, fourCc, track: 0, from: at, to: tag.length };
  if (tag.length < at + 1 + sizeBytes) return TAG_TRUNCATED;
  const from = at + 1 + sizeBytes;
  // The first of several: what is behind it is for those who want more.
  const to = sizeBytes === 0 ? tag.length : Math.min(tag.length, from + u24(tag, at + 1));
  return { packetType, fourCc, track: u8(tag, at), from, to };
}

/** Index of the byte with the next packet type; -1 when the tag ends before. */
function behindModifier(tag: Uint8Array, at: number): number {
  if (tag.length < at + 3) return -1;
  const short = u8(tag, at);
  const next = short === 0xff ? at + 4 + u16(tag, at + 1) : at + 2 + short;
  return next < tag.length ? next : -1;
}
