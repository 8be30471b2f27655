/**
 * What enhanced tags of sound and pictures begin with (Enhanced RTMP v2, ExAudioTagHeader and
 * ExVideoTagHeader).
 *
 * ```
 *  |...|packet type (4)|  modifiers, multitrack, FourCC (32)
 *  modifier    packet type 7: size less one (8; FF: size less one (16) follows), data, |type (4)|packet type (4)|
 *  multitrack  |kind (4)|packet type (4)|, FourCC (with kind 2 in front of each track), then per track: id (8),
 *              and size (24) unless kind is 0
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
  /** Where the data of that track is. */
  readonly from: number;
  readonly to: number;
}

const MODIFIER = 7;
/** Kinds of multitrack messages: 1 is several tracks of one codec. */
const ONE_TRACK = 0;
const MANY_CODECS = 2;

export function decodeEnhancedHead(tag: Uint8Array, multitrackType: number): EnhancedHead | Fault {
  let packetType = u8(tag, 0) & 0x0f;
  let at = 1;
  while (packetType === MODIFIER) {
    at = behindModifier(tag, at);
    if (at < 0) return TAG_TRUNCATED;
    packetType = u8(tag, at) & 0x0f;
    at += 1;
  }
  let kind = -1;
  if (packetType === multitrackType) {
    if (tag.length < at + 1) return TAG_TRUNCATED;
    kind = u8(tag, at) >> 4;
    packetType = u8(tag, at) & 0x0f;
    at += 1;
  }
  if (tag.length < at + 4) return TAG_TRUNCATED;
  if (kind >= 0) return trackOf(tag, at, kind, packetType);
  const fourCc = latin1(tag, at, at + 4);
  return { packetType, fourCc, track: 0, from: at + 4, to: tag.length };
}

/** Of several tracks that with id 0, else the first; `at` is where the first FourCC is. */
function trackOf(
  tag: Uint8Array,
  start: number,
  kind: number,
  packetType: number,
): EnhancedHead | Fault {
  let first: EnhancedHead | undefined;
  for (let at = start, fourCc = ""; at < tag.length; ) {
    if (first === undefined || kind === MANY_CODECS) {
      if (tag.length < at + 4) break;
      fourCc = latin1(tag, at, at + 4);
      at += 4;
    }
    const from = at + (kind === ONE_TRACK ? 1 : 4);
    if (tag.length < from) break;
    const to = kind === ONE_TRACK ? tag.length : Math.min(tag.length, from + u24(tag, at + 1));
    const head = { packetType, fourCc, track: u8(tag, at), from, to };
    if (head.track === 0) return head;
    first ??= head;
    at = to;
  }
  return first ?? TAG_TRUNCATED;
}

/** Index of the byte with the next packet type; -1 when the tag ends before. */
function behindModifier(tag: Uint8Array, at: number): number {
  if (tag.length < at + 3) return -1;
  const short = u8(tag, at);
  const next = short === 0xff ? at + 4 + u16(tag, at + 1) : at + 2 + short;
  return next < tag.length ? next : -1;
}
