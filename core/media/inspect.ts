/** One question for every codec: does a frame, or a keyframe, start in this RTP payload? @module */
import { describeAv1, inspectAv1 } from "./av1/mod.ts";
import { FRAME_START, KEYFRAME, type VideoDescription } from "./flags.ts";
import type { CodecName } from "./format.ts";
import { describeH264, inspectH264 } from "./h264/mod.ts";
import { describeH265, inspectH265 } from "./h265/mod.ts";
import { describeVp8, inspectVp8 } from "./vp8/mod.ts";
import { describeVp9, inspectVp9 } from "./vp9/mod.ts";

/**
 * `FRAME_START` and `KEYFRAME`, as bits, for the RTP payload `bytes[from..to)`; 0 for anything
 * else, garbage included. Allocates nothing; linear in the payload. Every packet of audio is both.
 *
 * Several packets of one frame may carry a bit (H.264 parameter sets, SEI and the first slice, each
 * in a packet of its own): the packets of one frame have one timestamp.
 */
export function inspect(codec: CodecName, bytes: Uint8Array, from: number, to: number): number {
  switch (codec) {
    case "h264":
      return inspectH264(bytes, from, to);
    case "h265":
      return inspectH265(bytes, from, to);
    case "vp8":
      return inspectVp8(bytes, from, to);
    case "vp9":
      return inspectVp9(bytes, from, to);
    case "av1":
      return inspectAv1(bytes, from, to);
    default:
      return FRAME_START | KEYFRAME;
  }
}

/**
 * Size, profile and level, when the payload `bytes[from..to)` of a keyframe's first packet tells
 * them; `undefined` otherwise. Never throws.
 */
export function describe(
  codec: CodecName,
  bytes: Uint8Array,
  from: number,
  to: number,
): VideoDescription | undefined {
  switch (codec) {
    case "h264":
      return describeH264(bytes, from, to);
    case "h265":
      return describeH265(bytes, from, to);
    case "vp8":
      return describeVp8(bytes, from, to);
    case "vp9":
      return describeVp9(bytes, from, to);
    case "av1":
      return describeAv1(bytes, from, to);
    default:
      return undefined;
  }
}
