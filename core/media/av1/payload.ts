/**
 * RTP payloads of AV1 (AV1 RTP payload format §4.4; sequence header: AV1 bitstream §5.5).
 *
 *     |Z|Y| W |N| - - - |    Z: continues an OBU, W: number of elements (0: each has a length),
 *                            N: first packet of a coded video sequence
 *     [length (leb128)] OBU element | ...     the last of W elements has no length
 *     OBU: |F| type (4) |X|S|-|  [extension]  [size (leb128)]  payload
 *
 * @module
 */
import { u8 } from "../../bytes/mod.ts";
import { FRAME_START, KEYFRAME, type VideoDescription } from "../flags.ts";
import { describeSequenceHeader } from "./sequence_header.ts";

const SEQUENCE_HEADER = 1;
const TEMPORAL_DELIMITER = 2;
const FRAME_HEADER = 3;
const METADATA = 5;
const FRAME = 6;

/** Bits of `../flags.ts` for the payload `bytes[from..to)`. */
export function inspectAv1(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return 0;
  const header = u8(bytes, from);
  if ((header & 0x80) !== 0) return 0;
  const type = firstType(bytes, from, to);
  if ((header & 0x08) !== 0 || type === SEQUENCE_HEADER) return FRAME_START | KEYFRAME;
  const starts =
    type === TEMPORAL_DELIMITER || type === FRAME_HEADER || type === METADATA || type === FRAME;
  return starts ? FRAME_START : 0;
}

/** Size, profile and level out of the payload's sequence header, if it holds a whole one. */
export function describeAv1(
  bytes: Uint8Array,
  from: number,
  to: number,
): VideoDescription | undefined {
  if (from >= to) return undefined;
  const header = u8(bytes, from);
  const count = (header >> 4) & 3;
  let at = from + 1;
  for (let element = 1; at < to; element++) {
    let size = to - at;
    if (element !== count) {
      const read = leb128(bytes, at, to);
      if (read < 0) return undefined;
      at += leb128Length(bytes, at, to);
      size = Math.min(read, to - at);
    }
    const continued = element === 1 && (header & 0x80) !== 0;
    if (!continued && size > 0 && typeOf(bytes, at) === SEQUENCE_HEADER) {
      return describeObu(bytes, at, at + size);
    }
    at += size;
  }
  return undefined;
}

function describeObu(bytes: Uint8Array, from: number, to: number): VideoDescription | undefined {
  const header = u8(bytes, from);
  let at = from + 1 + ((header & 0x04) === 0 ? 0 : 1);
  let end = to;
  if ((header & 0x02) !== 0) {
    const size = leb128(bytes, at, to);
    if (size < 0) return undefined;
    at += leb128Length(bytes, at, to);
    end = Math.min(to, at + size);
  }
  return describeSequenceHeader(bytes, at, end);
}

/** Type of the first OBU of the packet, 0 when there is none. */
function firstType(bytes: Uint8Array, from: number, to: number): number {
  let at = from + 1;
  if ((u8(bytes, from) & 0x30) !== 0x10) at += leb128Length(bytes, at, to);
  return at < to ? typeOf(bytes, at) : 0;
}

function typeOf(bytes: Uint8Array, at: number): number {
  return (u8(bytes, at) >> 3) & 0x0f;
}

/** Bytes of the leb128 number at `at`; at most 8 (AV1 §4.10.5). */
export function leb128Length(bytes: Uint8Array, at: number, to: number): number {
  let length = 1;
  while (length < 8 && at + length < to && u8(bytes, at + length - 1) >= 0x80) length++;
  return length;
}

/** The leb128 number at `at`, -1 when it is cut off or longer than 8 bytes. */
export function leb128(bytes: Uint8Array, at: number, to: number): number {
  let value = 0;
  for (let i = 0; i < 8 && at + i < to; i++) {
    const byte = u8(bytes, at + i);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  return -1;
}
