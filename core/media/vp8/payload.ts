/**
 * RTP payloads of VP8 (RFC 7741 §4.2, frame header RFC 6386 §9.1).
 *
 *      0 1 2 3 4 5 6 7
 *     |X|R|N|S|R| PID |
 *     |I|L|T|K| RSV   |          if X
 *     |M| PictureID (7 or 15) |  if I
 *     |   TL0PICIDX   |          if L
 *     |TID|Y| KEYIDX  |          if T or K
 *     |Size0|H| VER |P| Size1 | Size2 | 9d 01 2a | width (LE) | height (LE) |   key frame
 *
 * @module
 */
import { u8, u24 } from "../../bytes/mod.ts";
import { described, FRAME_START, KEYFRAME, type VideoDescription } from "../flags.ts";

/** Bits of `../flags.ts` for the payload `bytes[from..to)`. */
export function inspectVp8(bytes: Uint8Array, from: number, to: number): number {
  const at = frameHeaderAt(bytes, from, to);
  if (at === 0) return 0;
  return (u8(bytes, at) & 0x01) === 0 ? FRAME_START | KEYFRAME : FRAME_START;
}

/** Size out of a key frame's first packet; the profile is VP8's version number. */
export function describeVp8(
  bytes: Uint8Array,
  from: number,
  to: number,
): VideoDescription | undefined {
  const at = frameHeaderAt(bytes, from, to);
  if (at === 0 || at + 10 > to || (u8(bytes, at) & 0x01) !== 0) return undefined;
  if (u24(bytes, at + 3) !== 0x9d012a) return undefined;
  const width = u8(bytes, at + 6) | ((u8(bytes, at + 7) & 0x3f) << 8);
  const height = u8(bytes, at + 8) | ((u8(bytes, at + 9) & 0x3f) << 8);
  return described(width, height, String((u8(bytes, at) >> 1) & 7));
}

/** Where the frame header is, 0 when the packet is not the first of its frame. */
function frameHeaderAt(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to || (u8(bytes, from) & 0x17) !== 0x10) return 0;
  const at = behindDescriptor(bytes, from, to);
  return at < to ? at : 0;
}

/** Index of the first byte behind the payload descriptor; `to` or more when there is none. */
export function behindDescriptor(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return to;
  let at = from + 1;
  if (u8(bytes, from) < 0x80) return at;
  if (at >= to) return to;
  const extended = u8(bytes, at++);
  if ((extended & 0x80) !== 0) {
    if (at >= to) return to;
    at += u8(bytes, at) >= 0x80 ? 2 : 1;
  }
  if ((extended & 0x40) !== 0) at++;
  if ((extended & 0x30) !== 0) at++;
  return at;
}
