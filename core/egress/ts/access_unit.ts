/** Pictures and sound as transport streams want them. @module */
import { Fault } from "../../base/mod.ts";
import { concat, putU32, u32 } from "../../bytes/mod.ts";
import { ADTS_BYTES, ADTS_MAX_FRAME_BYTES, putAdtsHeader } from "../../media/aac/mod.ts";
import { decodeConfiguration } from "../../media/h264/mod.ts";
import { decodeConfiguration265 } from "../../media/h265/mod.ts";
import type { FrameFormat } from "../../stream/mod.ts";

const START_CODE_BYTES = 4;
/** Access unit delimiters (H.264 §7.3.2.4, H.265 §7.3.2.5) for pictures of any kind. */
const DELIMITER = Uint8Array.of(0, 0, 0, 1, 0x09, 0xf0);
const DELIMITER_265 = Uint8Array.of(0, 0, 0, 1, 0x46, 0x01, 0x50);

/** What stands in front of pictures in a byte stream (H.264 Annex B, H.265 Annex B). */
export interface PictureHeads {
  readonly keyframe: Uint8Array;
  readonly other: Uint8Array;
}

/** `undefined` when the configuration cannot be read. */
export function pictureHeads({ codec, configuration }: FrameFormat): PictureHeads | undefined {
  const h265 = codec === "h265";
  const other = h265 ? DELIMITER_265 : DELIMITER;
  const read = h265 ? decodeConfiguration265(configuration) : decodeConfiguration(configuration);
  if (read instanceof Fault) return undefined;
  const start = new Uint8Array([0, 0, 0, 1]);
  return { keyframe: concat([other, ...read.parameterSets.flatMap((set) => [start, set])]), other };
}

/** Writes the head and the NAL units, each behind a start code in the place of its length. */
export function putPicture(out: Uint8Array, at: number, head: Uint8Array, data: Uint8Array): void {
  out.set(head, at);
  const from = at + head.length;
  out.set(data, from);
  const end = from + data.length;
  for (let unit = from; unit + START_CODE_BYTES <= end; ) {
    const length = u32(out, unit);
    putU32(out, unit, 1);
    unit += START_CODE_BYTES + length;
  }
}

/** Frames of AAC, each behind its ADTS header; those that are too long for one are left out. */
export function adtsFrames(header: Uint8Array, frames: readonly Uint8Array[]): Uint8Array {
  const fit = frames.filter(({ length }) => length <= ADTS_MAX_FRAME_BYTES);
  let size = 0;
  for (const { length } of fit) size += ADTS_BYTES + length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const frame of fit) {
    putAdtsHeader(out, at, header, frame.length);
    out.set(frame, at + ADTS_BYTES);
    at += ADTS_BYTES + frame.length;
  }
  return out;
}
