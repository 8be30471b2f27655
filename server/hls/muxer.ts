import type { Millis, Runtime } from "../../core/base/mod.ts";
import {
  type HlsNames,
  type MediaPart,
  playlistText,
  type SegmentEntry,
  Segmenter,
  type SegmenterSink,
  type SegmentStart,
  SegmentWindow,
} from "../../core/egress/hls/mod.ts";
import type { Frame, FrameFormat, FrameSink } from "../../core/stream/mod.ts";
import { fragment, initSegment } from "../mp4_boxes/mod.ts";

export interface MuxerOptions {
  /** What all names of this muxer's resources begin with; never used again. */
  readonly prefix: string;
  readonly runtime: Pick<Runtime, "now" | "wakeAt">;
  /** In ms: how long segments are, how much the playlist tells, PART-TARGET. */
  readonly fragmentMillis: Millis;
  readonly windowMillis: Millis;
  readonly partMillis: Millis;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** The bytes of a segment and its parts. */
interface Stored {
  readonly parts: Bytes[];
  whole: Bytes | undefined;
}

/** Segments that must be there before a player starts: hls.js stalls with one (hls.js 1.7). */
export const START_SEGMENTS = 2;
/** Media that is kept for one stream, whatever the window. */
export const MAX_BYTES: number = 64 * 1024 * 1024;
/** Segments that are kept for one stream: one that changes its format all the time has short ones. */
export const MAX_SEGMENTS = 300;
/** A stream that is so long without a publisher has ended. */
export const END_MILLIS: Millis = 10_000;

/** One stream as HLS, in memory: made while somebody asks for it. */
export class HlsMuxer implements FrameSink, SegmenterSink {
  readonly #options: MuxerOptions;
  readonly #segmenter: Segmenter;
  readonly #window: SegmentWindow;
  readonly #inits = new Map<number, Bytes>();
  #nextInit = 0;
  readonly #stored = new Map<number, Stored>();
  readonly #waiting = new Set<() => void>();
  /** Longest segment in seconds, as told: it must not change. */
  readonly targetSeconds: number;
  readonly names: HlsNames;
  #sequence = 0;
  #bytes = 0;
  #endedAt: Millis | undefined;
  #closed = false;
  /** Whether frames have come since there was a tap, or since the last end. */
  live = false;
  /** Formats that cannot be told in MP4, by name, while nothing else comes. */
  unfit = "";

  constructor(options: MuxerOptions) {
    this.#options = options;
    const { prefix, fragmentMillis, partMillis, windowMillis } = options;
    // Keyframes that were asked for come a little late.
    this.targetSeconds = Math.ceil((fragmentMillis * 1.25) / 1000);
    const target = this.targetSeconds * 1000;
    this.names = {
      init: (map) => `${prefix}-init${map}.mp4`,
      segment: (number) => `${prefix}-${number}.m4s`,
      part: (number, part) => `${prefix}-${number}.${part}.m4s`,
    };
    // A playlist never tells less than three targets (RFC 8216bis §6.2.2).
    const listed = Math.max(windowMillis, 3 * target);
    this.#window = new SegmentWindow({ windowMillis: listed, graceMillis: 3 * target });
    this.#segmenter = new Segmenter(
      {
        segmentMillis: fragmentMillis,
        maxSegmentMillis: target + 400, // rounds to the target
        partMillis,
      },
      this,
    );
  }

  get ready(): boolean {
    return this.#window.completeSegments >= START_SEGMENTS || (this.ended && this.#inits.size > 0);
  }

  get ended(): boolean {
    if (this.#closed) return true;
    if (this.#endedAt === undefined) return false;
    return this.#options.runtime.now() - this.#endedAt >= END_MILLIS;
  }

  /** What it keeps. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Media sequence number of the open segment, or the next. */
  get current(): number {
    return this.#window.current;
  }

  /** The playlist; with `skip` without what lies far back. */
  playlist(skip: boolean): string {
    const { partMillis } = this.#options;
    const { names, targetSeconds } = this;
    const options = { names, targetSeconds, partMillis };
    return playlistText(this.#window, options, { skip, ended: this.ended });
  }

  init(map: number): Bytes | undefined {
    return this.#inits.get(map);
  }

  segment(number: number): Bytes | undefined {
    return this.#stored.get(number)?.whole;
  }

  part(number: number, part: number): Bytes | undefined {
    return this.#stored.get(number)?.parts[part];
  }

  /** Whether a segment is complete, or has the part: then a blocked reload of the playlist is due. */
  reached(number: number, part: number | undefined): boolean {
    const { current, currentParts } = this.#window;
    if (this.ended || number < current - 1) return true;
    if (number >= current) return number === current && part !== undefined && currentParts > part;
    // Beyond the last part of a segment the first of the next is meant (RFC 8216bis §6.2.5.2).
    const count = this.#stored.get(number)?.parts.length ?? 0;
    return part === undefined || part < count || currentParts > 0;
  }

  /** Whether the part may still come: it is the next of the open segment. */
  expects(number: number, part: number): boolean {
    if (this.ended) return false;
    const { current, currentParts } = this.#window;
    return number === current && part === currentParts;
  }

  /**
   * Resolves to true when `test` says so, which it is asked whenever something is new; to false after
   * `millis`, or when the signal says that nobody waits any more.
   */
  when(test: () => boolean, millis: Millis, signal: AbortSignal): Promise<boolean> {
    if (test()) return Promise.resolve(true);
    const { runtime } = this.#options;
    return new Promise((resolve) => {
      const done = (value: boolean): void => {
        this.#waiting.delete(look);
        timer[Symbol.dispose]();
        signal.removeEventListener("abort", giveUp);
        resolve(value);
      };
      const giveUp = (): void => done(test());
      const look = (): void => {
        if (test()) done(true);
        else if (this.#closed) done(false);
      };
      const timer = runtime.wakeAt(runtime.now() + millis, giveUp);
      signal.addEventListener("abort", giveUp);
      this.#waiting.add(look);
    });
  }

  /** Nothing comes any more. */
  close(): void {
    this.#closed = true;
    this.#tell();
    this.#stored.clear();
    this.#bytes = 0;
  }

  handleFormat(format: FrameFormat): void {
    this.live = true;
    this.#endedAt = undefined;
    this.unfit = format.codec;
    this.#segmenter.handleFormat(format);
    this.#tell();
  }

  handleFrame(frame: Frame): void {
    this.#segmenter.handleFrame(frame);
  }

  handleEnd(): void {
    this.live = false;
    this.#endedAt = this.#options.runtime.now();
    this.#segmenter.handleEnd();
    this.#tell();
  }

  handleSegmentStart({ date, tracks }: SegmentStart): void {
    if (tracks !== undefined) {
      this.#inits.delete(this.#nextInit - MAX_SEGMENTS);
      this.#inits.set(this.#nextInit++, initSegment(tracks));
    }
    const { number } = this.#window.start(date, tracks !== undefined);
    this.#stored.set(number, { parts: [], whole: undefined });
  }

  handlePart({ duration, independent, runs }: MediaPart): void {
    const bytes = fragment(++this.#sequence, runs);
    this.#stored.get(this.#window.current)?.parts.push(bytes);
    this.#window.addPart({ duration, independent });
    this.#bytes += bytes.length;
    this.#tell();
  }

  handleSegmentEnd(): void {
    const stored = this.#stored.get(this.#window.current);
    if (stored !== undefined) join(stored);
    for (const { number } of this.#window.end()) this.#forget(number);
    while (this.#bytes > MAX_BYTES || this.#stored.size > MAX_SEGMENTS) {
      const dropped: SegmentEntry | undefined = this.#window.drop();
      if (dropped === undefined) break;
      this.#forget(dropped.number);
    }
    this.#tell();
  }

  #forget(number: number): void {
    this.#bytes -= this.#stored.get(number)?.whole?.length ?? 0;
    this.#stored.delete(number);
  }

  #tell(): void {
    for (const look of [...this.#waiting]) look();
  }
}

/** Makes one piece of the parts, which become views of it: nothing is kept twice. */
function join(stored: Stored): void {
  let length = 0;
  for (const part of stored.parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const [i, part] of stored.parts.entries()) {
    whole.set(part, at);
    stored.parts[i] = whole.subarray(at, at + part.length);
    at += part.length;
  }
  stored.whole = whole;
}
