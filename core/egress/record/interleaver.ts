import type { Millis } from "../../base/mod.ts";
import type { MediaKind } from "../../media/mod.ts";
import type { Frame, FrameFormat } from "../../stream/mod.ts";

/** A track that has never come is waited for so long, on the clock: what is kept comes all at once. */
export const TRACK_WAIT_MILLIS: Millis = 2000;
/** One that the stream is known to have, or had so lately, but that is on its way through a transcoder. */
export const EXPECTED_WAIT_MILLIS: Millis = 10_000;
/** One that has come may be so late before the other goes on: transcoded sound is. */
export const LATE_MILLIS: Millis = 1000;
/** Frames of one track that are kept while the other is waited for. */
export const KEPT_MAX_FRAMES = 1000;
/** And their bytes. */
export const KEPT_MAX_BYTES: number = 16 * 1024 * 1024;

/** Nothing for so long, or a jump of the timestamps: both tracks are waited for again. */
export const BREAK_MILLIS: Millis = 30_000;

interface Waiting {
  readonly frame: Frame;
  readonly format: FrameFormat;
}

export interface InterleaverOptions {
  readonly now: () => Millis;
  /** Whether the stream has such a track, of which nothing has come. */
  readonly expects: (kind: MediaKind) => boolean;
}

/** Brings the frames of two tracks into the order of their decoding times, each with its format. */
export class Interleaver {
  readonly #options: InterleaverOptions;
  readonly #deliver: (frame: Frame, format: FrameFormat) => void;
  readonly #queues: Readonly<Record<MediaKind, Waiting[]>> = { audio: [], video: [] };
  /** Of what waits, of both kinds. */
  #bytes = 0;
  /** Of the newest frame of each kind, and its format. */
  readonly #last = new Map<MediaKind, { readonly dts: Millis; readonly format: FrameFormat }>();
  /** When the first frame came. */
  #since: Millis | undefined;
  #newest: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: InterleaverOptions, deliver: (frame: Frame, format: FrameFormat) => void) {
    this.#options = options;
    this.#deliver = deliver;
  }

  put(frame: Frame, format: FrameFormat): void {
    if (frame.dts - this.#newest > BREAK_MILLIS) this.end();
    this.#since ??= this.#options.now();
    this.#newest = Math.max(this.#newest, frame.dts);
    this.#last.set(frame.kind, { dts: frame.dts, format });
    this.#queues[frame.kind].push({ frame, format });
    this.#bytes += frame.data.length;
    while (this.#release()) {}
  }

  /**
   * The format of the next frame of that kind, while such frames come: a transcoder that begins, or has
   * much to do, may be some seconds behind.
   */
  coming(kind: MediaKind): FrameFormat | undefined {
    const [next] = this.#queues[kind];
    if (next !== undefined) return next.format;
    const last = this.#last.get(kind);
    if (last === undefined || this.#newest - last.dts > EXPECTED_WAIT_MILLIS) return undefined;
    return last.format;
  }

  /** Delivers all that waits, and forgets what it knew. */
  end(): void {
    while (this.#shift(this.#earlier())) {}
    this.#last.clear();
    this.#since = undefined;
    this.#newest = Number.NEGATIVE_INFINITY;
  }

  #release(): boolean {
    const { audio, video } = this.#queues;
    if (audio.length > KEPT_MAX_FRAMES) return this.#shift("audio");
    if (video.length > KEPT_MAX_FRAMES) return this.#shift("video");
    const next = this.#earlier();
    if (this.#bytes > KEPT_MAX_BYTES) return this.#shift(next);
    const other = next === "audio" ? "video" : "audio";
    if (this.#queues[other].length > 0) return this.#shift(next);
    const last = this.#last.get(other);
    const late = last === undefined ? this.#waited(other) : this.#newest - last.dts > LATE_MILLIS;
    return late && this.#shift(next);
  }

  #waited(kind: MediaKind): boolean {
    const { now, expects } = this.#options;
    const waited = now() - (this.#since ?? 0);
    return waited > TRACK_WAIT_MILLIS && (waited > EXPECTED_WAIT_MILLIS || !expects(kind));
  }

  #earlier(): MediaKind {
    const [audio] = this.#queues.audio;
    const [video] = this.#queues.video;
    if (audio === undefined) return "video";
    return video === undefined || audio.frame.dts < video.frame.dts ? "audio" : "video";
  }

  #shift(kind: MediaKind): boolean {
    const one = this.#queues[kind].shift();
    if (one === undefined) return false;
    this.#bytes -= one.frame.data.length;
    this.#deliver(one.frame, one.format);
    return true;
  }
}
