/** Frames made bytes that are appended to a file, so that what is in it can always be played. @module */

import type { Millis } from "../../core/base/mod.ts";
import { concat } from "../../core/bytes/mod.ts";
import {
  encodeFlvHeader,
  encodeTags,
  FlvMuxer,
  type FlvTag,
  isCarried,
} from "../../core/egress/flv/mod.ts";
import { encodeChange, fitsMp4, inBand, Lane, type Mp4Run } from "../../core/egress/mp4/mod.ts";
import type { Frame, FrameFormat } from "../../core/stream/mod.ts";
import { fragment, initSegment, sampleDescription } from "../mp4_boxes/mod.ts";
import { SERVER_NAME } from "../version.ts";
import type { RecordingFormat } from "./path_template.ts";

/** Makes one file. Each answer is bytes to append. */
export interface FileMaker {
  /** What stands at the beginning. */
  start(): Uint8Array;
  /** Mostly nothing: frames are gathered. */
  put(frame: Frame): Uint8Array | undefined;
  /** A track goes on in another format (`goesOn`), from the next keyframe on. */
  change(format: FrameFormat): Uint8Array | undefined;
  /** What was gathered last. */
  stop(): Uint8Array | undefined;
}

/** Media that is gathered before it is appended: what a kill of the server costs. */
export const PART_MILLIS: Millis = 1000;
/** And the most bytes of it. */
export const PART_MAX_BYTES: number = 4 * 1024 * 1024;
/** What a frame costs besides: so its parts have fewer samples than `RUN_MAX_SAMPLES`. */
const FRAME_COST_BYTES = 64;

const NAMES: Readonly<Record<string, string>> = {
  vp8: "VP8",
  pcma: "G.711",
  pcmu: "G.711",
  mp3: "MP3",
};

/** Why files of the format cannot hold a track, in words; empty when they can. */
export function unfit(format: RecordingFormat, track: FrameFormat): string {
  if (format === "mp4" ? fitsMp4(track) : isCarried(track)) return "";
  const codec = NAMES[track.codec] ?? track.codec;
  const other = format === "mp4" && isCarried(track) ? "; FLV can" : "";
  return `${format === "mp4" ? "MP4" : "FLV"} cannot hold ${codec}${other}`;
}

/**
 * Whether a file goes on when a track's format becomes another: pictures of another size, say. In FLV those of
 * H.264 and H.265 do not: who seeks back over the change would decode by the wrong parameter sets.
 */
export function goesOn(format: RecordingFormat, from: FrameFormat, to: FrameFormat): boolean {
  if (from.kind !== "video" || from.codec !== to.codec) return false;
  if (format === "flv") return to.codec !== "h264" && to.codec !== "h265";
  return inBand(from) !== undefined && inBand(to) !== undefined;
}

export function makerOf(
  format: RecordingFormat,
  formats: readonly FrameFormat[],
  at: Millis,
): FileMaker {
  return format === "mp4" ? new Mp4Maker(formats, at) : new FlvMaker(formats);
}

class Mp4Maker implements FileMaker {
  readonly #lanes = new Map<string, Lane>();
  readonly #start: Millis;
  #partStart: Millis;
  #bytes = 0;
  #sequence = 0;
  /** Keyframes of before the first change of format, and what stands in front of those behind it. */
  #plainKeyframes = 0;
  #inBand: Uint8Array | undefined;

  constructor(formats: readonly FrameFormat[], at: Millis) {
    this.#start = at;
    this.#partStart = at;
    let id = 0;
    for (const format of formats) this.#lanes.set(format.kind, new Lane(++id, format, at, at));
  }

  start(): Uint8Array {
    return initSegment([...this.#lanes.values()].map(({ track }) => track));
  }

  put(frame: Frame): Uint8Array | undefined {
    const lane = this.#lanes.get(frame.kind);
    if (lane === undefined) return undefined;
    const whole = frame.kind === "video" && frame.keyframe ? this.#keyframe(frame) : frame;
    lane.put(whole);
    this.#bytes += whole.data.length + FRAME_COST_BYTES;
    if (frame.dts - this.#partStart < PART_MILLIS && this.#bytes < PART_MAX_BYTES) return undefined;
    this.#partStart = frame.dts;
    return this.#part();
  }

  change(format: FrameFormat): Uint8Array {
    this.#inBand = inBand(format);
    return encodeChange(this.#plainKeyframes, sampleDescription(format));
  }

  #keyframe(frame: Frame): Frame {
    if (this.#inBand === undefined) {
      if (frame.dts >= this.#start) this.#plainKeyframes++;
      return frame;
    }
    return { ...frame, data: concat([this.#inBand, frame.data]) };
  }

  stop(): Uint8Array | undefined {
    for (const lane of this.#lanes.values()) lane.finish();
    return this.#part();
  }

  #part(): Uint8Array | undefined {
    this.#bytes = 0;
    const runs: Mp4Run[] = [];
    for (const lane of this.#lanes.values()) {
      const run = lane.take(Number.POSITIVE_INFINITY);
      if (run !== undefined) runs.push(run);
    }
    return runs.length === 0 ? undefined : fragment(++this.#sequence, runs);
  }
}

class FlvMaker implements FileMaker {
  readonly #muxer = new FlvMuxer({ server: SERVER_NAME, opus: true });
  readonly #formats: readonly FrameFormat[];
  #tags: FlvTag[] = [];
  #bytes = 0;
  #partStart: Millis | undefined;

  constructor(formats: readonly FrameFormat[]) {
    this.#formats = formats;
    for (const format of formats) this.#muxer.setFormat(format);
  }

  start(): Uint8Array {
    const has = (kind: string): boolean => this.#formats.some((format) => format.kind === kind);
    const header = encodeFlvHeader(has("video"), has("audio"));
    return concat([header, encodeTags(this.#muxer.headers(0))]);
  }

  put(frame: Frame): Uint8Array | undefined {
    const tag = this.#muxer.frame(frame);
    if (tag === undefined) return undefined;
    this.#tags.push(tag);
    this.#bytes += tag.body.length + FRAME_COST_BYTES;
    this.#partStart ??= frame.dts;
    if (frame.dts - this.#partStart < PART_MILLIS && this.#bytes < PART_MAX_BYTES) return undefined;
    return this.stop();
  }

  change(format: FrameFormat): undefined {
    this.#muxer.setFormat(format);
    this.#tags.push(...this.#muxer.headers(undefined, format.kind));
  }

  stop(): Uint8Array | undefined {
    const tags = this.#tags;
    this.#tags = [];
    this.#bytes = 0;
    this.#partStart = undefined;
    return tags.length === 0 ? undefined : encodeTags(tags);
  }
}
