/**
 * RTP payloads of VP9 (RFC 9628 §4.2; uncompressed header: VP9 bitstream §6.2).
 *
 *      0 1 2 3 4 5 6 7
 *     |I|P|L|F|B|E|V|Z|
 *     |M| PictureID (7 or 15) |   if I
 *     | TID |U| SID |D|           if L
 *     |   TL0PICIDX   |           if L and not F
 *     |  P_DIFF     |N|  up to 3  if P and F
 *     | N_S |Y|G| RSV |           if V: (N_S + 1) sizes of 16 + 16 bits if Y; if G a count of
 *     |      N_G      |               |TID|U|R(2)|RSV| with R bytes of P_DIFF each
 *
 * @module
 */
import { BitReader, u8, u16 } from "../../bytes/mod.ts";
import { described, FRAME_START, KEYFRAME, type VideoDescription } from "../flags.ts";

const NON_FLEXIBLE_LAYER_BYTES = 2;

/**
 * Bits of `../flags.ts` for the payload `bytes[from..to)`: frames of the lowest spatial layer
 * count.
 */
export function inspectVp9(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return 0;
  const first = u8(bytes, from);
  if ((first & 0x08) === 0) return 0;
  const at = behindPictureId(bytes, from, to);
  if (at >= to) return 0;
  if ((first & 0x20) !== 0 && (u8(bytes, at) & 0x0e) !== 0) return 0;
  if ((first & 0x40) !== 0) return FRAME_START;
  // FFmpeg never sets P: the frame's own header has the last word.
  const header = behindStructure(bytes, behindLayer(bytes, from, at), to, first);
  if (header >= to) return FRAME_START;
  const byte = u8(bytes, header);
  const profile3 = (byte & 0x30) === 0x30;
  const existingOrInter = profile3 ? byte & 0x06 : byte & 0x0c;
  return byte >> 6 === 2 && existingOrInter === 0 ? FRAME_START | KEYFRAME : FRAME_START;
}

/**
 * Size of the largest layer and profile (`0` to `3`) out of the first packet of a keyframe: from
 * the scalability structure when it names sizes, else from the frame's own header.
 */
export function describeVp9(
  bytes: Uint8Array,
  from: number,
  to: number,
): VideoDescription | undefined {
  if (inspectVp9(bytes, from, to) !== (FRAME_START | KEYFRAME)) return undefined;
  const first = u8(bytes, from);
  const at = behindLayer(bytes, from, behindPictureId(bytes, from, to));
  const header = behindStructure(bytes, at, to, first);
  let width = 0;
  let height = 0;
  if ((first & 0x02) !== 0 && (u8(bytes, at) & 0x10) !== 0) {
    // behindStructure ended inside the payload, so the sizes are there.
    for (let size = at + 1, left = (u8(bytes, at) >> 5) + 1; left > 0; left--, size += 4) {
      width = Math.max(width, u16(bytes, size));
      height = Math.max(height, u16(bytes, size + 2));
    }
  }
  return describeFrame(bytes, header, to, width, height);
}

/** Index of the first byte behind the payload descriptor; `to` or more when there is none. */
export function behindDescriptor(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return to;
  const first = u8(bytes, from);
  let at = behindPictureId(bytes, from, to);
  if ((first & 0x20) !== 0) at = behindLayer(bytes, from, at);
  if ((first & 0x50) === 0x50) {
    // Flexible mode: up to three P_DIFF, each but the last with N.
    for (let left = 3; left > 0 && at < to; left--) if ((u8(bytes, at++) & 1) === 0) break;
  }
  return behindStructure(bytes, at, to, first);
}

function behindPictureId(bytes: Uint8Array, from: number, to: number): number {
  if ((u8(bytes, from) & 0x80) === 0) return from + 1;
  return from + 1 < to && u8(bytes, from + 1) >= 0x80 ? from + 3 : from + 2;
}

function behindLayer(bytes: Uint8Array, from: number, at: number): number {
  const first = u8(bytes, from);
  if ((first & 0x20) === 0) return at;
  return at + ((first & 0x10) !== 0 ? 1 : NON_FLEXIBLE_LAYER_BYTES);
}

/**
 * Where the frame begins behind an optional scalability structure; `to` or more when it is cut off.
 */
function behindStructure(bytes: Uint8Array, at: number, to: number, first: number): number {
  if ((first & 0x02) === 0 || at >= to) return at;
  const structure = u8(bytes, at);
  const sizes = (structure & 0x10) === 0 ? 0 : ((structure >> 5) + 1) * 4;
  const next = at + 1 + sizes;
  return (structure & 0x08) === 0 ? next : behindPictureGroup(bytes, next, to);
}

function behindPictureGroup(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return to;
  let at = from + 1;
  for (let pictures = u8(bytes, from); pictures > 0 && at < to; pictures--) {
    at += 1 + ((u8(bytes, at) >> 2) & 3);
  }
  return at;
}

/** Reads the uncompressed header; `width` and `height` win over its own unless they are 0. */
export function describeFrame(
  bytes: Uint8Array,
  from: number,
  to: number,
  width: number,
  height: number,
): VideoDescription | undefined {
  const bits = new BitReader(bytes, from, to);
  const marker = bits.bits(2);
  const profile = bits.bit() + 2 * bits.bit();
  if (profile === 3) bits.skip(1);
  const existing = bits.bit();
  const interFrame = bits.bit();
  bits.skip(2); // show_frame, error_resilient_mode
  const syncCode = bits.bits(24);
  if (marker !== 2 || existing !== 0 || interFrame !== 0 || syncCode !== 0x498342) return undefined;
  if (profile >= 2) bits.skip(1); // ten_or_twelve_bit
  const rgb = bits.bits(3) === 7;
  if (!rgb) bits.skip(1); // color_range
  if ((profile & 1) === 1) bits.skip(rgb ? 1 : 3); // subsampling, reserved
  const ownWidth = bits.bits(16) + 1;
  const ownHeight = bits.bits(16) + 1;
  if (bits.overrun) return undefined;
  return described(width || ownWidth, height || ownHeight, String(profile));
}
