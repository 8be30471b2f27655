import type { Millis } from "../../base/mod.ts";
import type { MediaKind } from "../../media/mod.ts";
import type { Frame, FrameFormat, FrameSink } from "../../stream/mod.ts";
import { BREAK_MILLIS, Interleaver, type InterleaverOptions } from "./interleaver.ts";

export interface CutterOptions extends InterleaverOptions {
  /** Whether files can hold a format; what they cannot is left out. */
  readonly carries: (format: FrameFormat) => boolean;
  /** Whether a file goes on, from a keyframe on, when a track's format becomes another. */
  readonly goesOn: (from: FrameFormat, to: FrameFormat) => boolean;
  /** Another file begins at the first keyframe that makes the last so long, or would make it so large. */
  readonly maxMillis: Millis;
  readonly maxBytes: number;
  /** And so many frames; at twice as many, or as large, it ends without a keyframe. */
  readonly maxFrames: number;
  /** Whether to wait for a keyframe when a file is long enough. */
  readonly waitKeyframe: boolean;
}

/** Takes one file after the other: a start, frames in order of their decoding times, a stop. */
export interface FileSink {
  /** `at` is when its first frame is decoded. */
  handleStart(formats: readonly FrameFormat[], at: Millis): void;
  /** Another format of a track that may become so (`goesOn`), before a keyframe of it. */
  handleFormat(format: FrameFormat): void;
  handleFrame(frame: Frame): void;
  handleStop(): void;
}

/** Pictures without a keyframe are waited for so long before sound is recorded alone. */
export const KEYFRAME_WAIT_MILLIS: Millis = 5000;
/** Keyframes that come a little early count: publishers are asked for them by time. */
const EARLY_MILLIS: Millis = 100;
/** What a frame costs in a file besides its own bytes. */
const FRAME_COST_BYTES = 24;

/**
 * Parts a stream into files: another begins with a format that does not go into the last, with a track more, and where one is
 * long enough. Pictures lead: files begin with their keyframes. A track that ceases stays in its file.
 */
export class Cutter implements FrameSink {
  readonly #options: CutterOptions;
  readonly #sink: FileSink;
  readonly #interleaver: Interleaver;
  /** Of frames as they come in. */
  readonly #formats = new Map<MediaKind, FrameFormat>();
  /** Of the open file; none is open while it is empty. */
  readonly #tracks = new Map<MediaKind, FrameFormat>();
  #start: Millis = 0;
  /** When the last frame of any track was decoded: behind a break another file begins. */
  #last: Millis = 0;
  #bytes = 0;
  /** When the last keyframe came in, and the most between two of them. */
  #keyframeBytes = 0;
  #gopBytes = 0;
  #frames = 0;
  #waitsSince: Millis | undefined;

  constructor(options: CutterOptions, sink: FileSink) {
    this.#options = options;
    this.#sink = sink;
    this.#interleaver = new Interleaver(options, (frame, format) => this.#take(frame, format));
  }

  handleFormat(format: FrameFormat): void {
    if (this.#options.carries(format)) this.#formats.set(format.kind, format);
    else this.#formats.delete(format.kind);
  }

  handleFrame(frame: Frame): void {
    const format = this.#formats.get(frame.kind);
    if (format !== undefined) this.#interleaver.put(frame, format);
  }

  handleEnd(): void {
    this.#interleaver.end();
    this.#stop();
    this.#formats.clear();
    this.#waitsSince = undefined;
  }

  #take(frame: Frame, format: FrameFormat): void {
    if (frame.dts - this.#last > BREAK_MILLIS) this.#stop();
    if (this.#tracks.size === 0) {
      if (!this.#mayBegin(frame)) return;
      this.#begin(frame, format);
    } else if (this.#leads(frame)) {
      if (this.#wantsAnother(frame, format)) {
        this.#stop();
        this.#begin(frame, format);
      } else if (this.#tracks.get(frame.kind) !== format) {
        this.#tracks.set(frame.kind, format);
        this.#sink.handleFormat(format);
      }
    } else if (this.#tooMuch()) {
      this.#stop(); // the next begins with a keyframe
      return;
    }
    if (this.#tracks.get(frame.kind) !== format || frame.dts < this.#start) return;
    if (this.#leads(frame)) this.#noteGop();
    this.#last = frame.dts;
    this.#frames++;
    this.#bytes += frame.data.length + FRAME_COST_BYTES;
    this.#sink.handleFrame(frame);
  }

  /** Whether a file may begin with the frame. */
  #mayBegin({ kind, keyframe, dts }: Frame): boolean {
    if (kind === "video") return keyframe;
    this.#waitsSince ??= dts;
    if (this.#interleaver.coming("video") === undefined) return true;
    return dts - this.#waitsSince > KEYFRAME_WAIT_MILLIS;
  }

  #begin(frame: Frame, format: FrameFormat): void {
    this.#waitsSince = undefined;
    this.#tracks.set(frame.kind, format);
    const sound = frame.kind === "video" ? this.#interleaver.coming("audio") : undefined;
    if (sound !== undefined) this.#tracks.set("audio", sound);
    this.#start = frame.dts;
    this.#last = frame.dts;
    this.#bytes = 0;
    this.#keyframeBytes = 0;
    this.#gopBytes = 0;
    this.#frames = 0;
    this.#sink.handleStart([...this.#tracks.values()], frame.dts);
  }

  #stop(): void {
    if (this.#tracks.size === 0) return;
    this.#tracks.clear();
    this.#sink.handleStop();
  }

  /** Whether files may be parted before the frame. */
  #leads({ kind, keyframe, dts }: Frame): boolean {
    if (kind === "audio") return !this.#tracks.has("video");
    if (keyframe) return true;
    const { waitKeyframe, maxMillis } = this.#options;
    return !waitKeyframe && this.#tracks.has("video") && dts - this.#start >= maxMillis;
  }

  #wantsAnother({ kind, dts, keyframe }: Frame, format: FrameFormat): boolean {
    const known = this.#tracks.get(kind);
    if (known !== format && !(known && keyframe && this.#options.goesOn(known, format)))
      return true;
    const sound = this.#interleaver.coming("audio");
    if (sound !== undefined && sound !== this.#tracks.get("audio")) return true;
    const { maxMillis, maxBytes, maxFrames } = this.#options;
    const early = kind === "video" ? EARLY_MILLIS : 0;
    if (dts - this.#start >= maxMillis - early) return true;
    const gop = Math.max(this.#gopBytes, this.#bytes - this.#keyframeBytes);
    return this.#bytes + gop > maxBytes || this.#frames >= maxFrames;
  }

  #tooMuch(): boolean {
    const { maxBytes, maxFrames } = this.#options;
    return this.#bytes > 2 * maxBytes || this.#frames >= 2 * maxFrames;
  }

  #noteGop(): void {
    this.#gopBytes = Math.max(this.#gopBytes, this.#bytes - this.#keyframeBytes);
    this.#keyframeBytes = this.#bytes;
  }
}
