import type { Millis, Runtime } from "../../core/base/mod.ts";
import {
  type MediaPart,
  multivariantText,
  playlistText,
  type SegmentEntry,
  Segmenter,
  type SegmenterSink,
  type SegmentStart,
  SegmentWindow,
} from "../../core/egress/hls/mod.ts";
import type { Frame, FrameFormat, FrameSink } from "../../core/stream/mod.ts";
import { type Bytes, MP4, type SegmentFormat } from "./container.ts";
import { Rendition, type RenditionName } from "./rendition.ts";

export interface MuxerOptions {
  /** What all names of this muxer's resources begin with; never used again. */
  readonly prefix: string;
  readonly runtime: Pick<Runtime, "now" | "wakeAt" | "wallClock">;
  /** In ms: how long segments are, how much the playlist tells, PART-TARGET. */
  readonly fragmentMillis: Millis;
  readonly windowMillis: Millis;
  readonly partMillis: Millis;
  /** Default fragmented MP4. */
  readonly format?: SegmentFormat;
  readonly onSegment?: (segment: CompleteSegment) => void;
}

/** A segment that has all it will have. */
export interface CompleteSegment {
  readonly entry: SegmentEntry;
  readonly bytes: Bytes;
  /** Its init segment, where there is one. */
  readonly init: Bytes | undefined;
  /** Its name, in the folder of the stream. */
  readonly name: string;
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
  readonly #media: Rendition;
  readonly #audio: Rendition;
  readonly #waiting = new Set<() => void>();
  /** Whether pictures have sound beside them: then there are two renditions. */
  #both = false;
  #begun = false;
  /** Longest segment in seconds, as told: it must not change. */
  readonly targetSeconds: number;
  readonly #format: SegmentFormat;
  #endedAt: Millis | undefined;
  #closed = false;
  /** Whether frames have come since there was a tap, or since the last end. */
  live = false;

  constructor(options: MuxerOptions) {
    this.#options = options;
    const { prefix, runtime, fragmentMillis, partMillis, windowMillis, format = MP4 } = options;
    this.#format = format;
    // Keyframes that were asked for come a little late.
    this.targetSeconds = Math.ceil((fragmentMillis * 1.25) / 1000);
    const target = this.targetSeconds * 1000;
    this.#window = new SegmentWindow({
      // A playlist never tells less than three targets (RFC 8216bis §6.2.2).
      windowMillis: Math.max(windowMillis, 3 * target),
      graceMillis: 3 * target,
      // Does not go back when a stream is made into HLS anew, for who has an older playlist.
      firstNumber: Math.floor(runtime.wallClock() / 1000),
    });
    this.#media = new Rendition("media", prefix, format, MAX_SEGMENTS);
    this.#audio = new Rendition("audio", prefix, format, MAX_SEGMENTS);
    this.#segmenter = new Segmenter(
      {
        segmentMillis: fragmentMillis,
        maxSegmentMillis: target + 400, // rounds to the target
        partMillis: format.name === "mp4" ? partMillis : Number.POSITIVE_INFINITY,
        fits: format.fits,
      },
      this,
    );
  }

  get ready(): boolean {
    return this.#window.completeSegments >= START_SEGMENTS || (this.ended && this.#begun);
  }

  get ended(): boolean {
    if (this.#closed) return true;
    if (this.#endedAt === undefined) return false;
    return this.#options.runtime.now() - this.#endedAt >= END_MILLIS;
  }

  /** What it keeps. */
  get bytes(): number {
    return this.#media.bytes + this.#audio.bytes;
  }

  /** Media sequence number of the open segment, or the next. */
  get current(): number {
    return this.#window.current;
  }

  /** Whether there are segments at all. */
  get begun(): boolean {
    return this.#begun;
  }

  get #names(): readonly RenditionName[] {
    return this.#both ? ["media", "audio"] : ["media"];
  }

  /** The multivariant playlist; `query` is put behind the names of the media playlists, in `folder`. */
  multivariant(folder: string, query: string): string {
    const { listed } = this.#window;
    const variants = this.#names.map((name) => {
      const uri = `${folder}/${name}.m3u8${query}`;
      return { uri, ...this.rendition(name).facts(listed) };
    });
    return multivariantText(variants, this.#format.name === "mp4" ? 6 : 3);
  }

  /** A media playlist; with `skip` without what lies far back. */
  playlist(
    name: RenditionName,
    { skip = false, query = "" }: { readonly skip?: boolean; readonly query?: string } = {},
  ): string {
    const { partMillis } = this.#options;
    const { targetSeconds } = this;
    const others = this.#names.filter((one) => one !== name).map((one) => `${one}.m3u8${query}`);
    const options = {
      names: this.rendition(name).names,
      targetSeconds,
      partMillis: this.#format.name === "mp4" ? partMillis : undefined,
      soundOnly: name === "audio",
      others,
    };
    return playlistText(this.#window, options, { skip, ended: this.ended });
  }

  rendition(name: RenditionName): Rendition {
    return name === "audio" ? this.#audio : this.#media;
  }

  /** Whether a segment is complete, or has the part: then a blocked reload of the playlist is due. */
  reached(number: number, part: number | undefined): boolean {
    const { current, currentParts } = this.#window;
    if (this.ended || number < current - 1) return true;
    if (number >= current) return number === current && part !== undefined && currentParts > part;
    // Beyond the last part of a segment the first of the next is meant (RFC 8216bis §6.2.5.2).
    const count = this.#media.parts(number);
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
    this.#media.clear();
    this.#audio.clear();
  }

  handleFormat(format: FrameFormat): void {
    this.live = true;
    this.#endedAt = undefined;
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
    this.#begun = true;
    if (tracks !== undefined) this.#both = tracks.length === 2;
    const segment = this.#window.start(date, tracks !== undefined);
    this.#media.start(segment, tracks);
    this.#audio.start(segment, this.#both ? tracks : tracks && []);
  }

  handlePart(part: MediaPart): void {
    const { duration, independent, runs } = part;
    const { current } = this.#window;
    this.#media.addPart(current, runs);
    this.#audio.addPart(current, this.#both ? runs : []);
    const sound = this.#both && runs.some(({ track }) => track.format.kind === "audio");
    this.#window.addPart({ duration, independent, sound });
    this.#tell();
  }

  handleSegmentEnd(): void {
    const { current, currentParts } = this.#window;
    this.#media.end(current);
    this.#audio.end(current);
    const gone = this.#window.end();
    // A segment without parts never was.
    if (currentParts === 0) this.#forget(current);
    for (const { number } of gone) this.#forget(number);
    while (this.bytes > MAX_BYTES || this.#media.size > MAX_SEGMENTS) {
      const dropped: SegmentEntry | undefined = this.#window.drop();
      if (dropped === undefined) break;
      this.#forget(dropped.number);
    }
    this.#tell();
    if (currentParts > 0) this.#complete();
  }

  #complete(): void {
    const entry = this.#window.listed.at(-1);
    const bytes = entry && this.#media.segment(entry.number);
    if (entry === undefined || bytes === undefined) return;
    const name = this.#media.names.segment(entry.number);
    this.#options.onSegment?.({ entry, bytes, init: this.#media.init(entry.map), name });
  }

  #forget(number: number): void {
    this.#media.forget(number);
    this.#audio.forget(number);
  }

  #tell(): void {
    for (const look of [...this.#waiting]) look();
  }
}
