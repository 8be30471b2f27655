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

/** Bits of `../flags.ts` for the payload `bytes[from..to)`: frames of the lowest spatial layer count. */
export function inspectVp9(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return 0;
  const first = u8(bytes, from);
  if ((first & 0x08) === 0) return 0;
  let at = from + 1;
  if ((first & 0x80) !== 0) {
    if (at >= to) return 0;
    at += u8(bytes, at) >= 0x80 ? 2 : 1;
  }
  if ((first & 0x20) !== 0) {
    if (at >= to || (u8(bytes, at) & 0x0e) !== 0) return 0;
    at++;
  }
  if (at >= to) return 0;
  return (first & 0x40) === 0 ? FRAME_START | KEYFRAME : FRAME_START;
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
  let at = from + 1;
  if ((first & 0x80) !== 0) at += u8(bytes, at) >= 0x80 ? 2 : 1;
  if ((first & 0x20) !== 0) at += (first & 0x10) !== 0 ? 1 : 2;
  let width = 0;
  let height = 0;
  if ((first & 0x02) !== 0) {
    if (at >= to) return undefined;
    const structure = u8(bytes, at++);
    if ((structure & 0x10) !== 0) {
      for (let layers = (structure >> 5) + 1; layers > 0; layers--, at += 4) {
        if (at + 4 > to) return undefined;
        width = Math.max(width, u16(bytes, at));
        height = Math.max(height, u16(bytes, at + 2));
      }
    }
    if ((structure & 0x08) !== 0) at = behindPictureGroup(bytes, at, to);
  }
  return describeFrame(bytes, at, to, width, height);
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
function describeFrame(
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
