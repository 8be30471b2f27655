/** One stream on its way to the disk: a file, or several one after the other. @module */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import { Cutter, type FileSink, KEYFRAME_WAIT_MILLIS } from "../../core/egress/record/mod.ts";
import type { MediaKind } from "../../core/media/mod.ts";
import type { Frame, FrameFormat, FrameSink, StreamName } from "../../core/stream/mod.ts";
import { Appender } from "./appender.ts";
import type { Flusher } from "./flusher.ts";
import { type FileMaker, goesOn, makerOf, unfit } from "./makers.ts";
import type { RecordingFormat } from "./path_template.ts";
import type { RecordingPlace, RecordingStore } from "./store.ts";

/** How files are made. */
export interface RecordingRules {
  readonly format: RecordingFormat;
  readonly audio: "aac" | "opus";
  /** A file is split at that length and size. Infinity: never for that. */
  readonly maxMillis: Millis;
  readonly maxBytes: number;
  readonly waitKeyframe: boolean;
}

export interface RecordingOptions extends RecordingRules {
  readonly id: string;
  readonly name: StreamName;
  readonly runtime: Pick<Runtime, "now" | "wallClock">;
  readonly store: RecordingStore;
  readonly minFreeBytes: number;
  readonly flusher: Flusher;
  /** Whether the stream has such a track, as far as is known by now. */
  readonly hasTrack: (kind: MediaKind) => boolean;
  readonly onEvent: RecordingEvents;
}

/** What its owner should know. */
export interface RecordingEvents {
  /** The file was written to its end, and can be finished. */
  readonly written: (place: RecordingPlace, startedAt: Millis) => void;
  /**
   * Nothing is recorded any more, and all files were told. Once, never inside a call of the recording's;
   * `error` when the disk is the cause.
   */
  readonly over: (error: unknown) => void;
  /** Frames are dropped from now on: the disk is slow. */
  readonly slow: () => void;
  /** A track is left out. */
  readonly unfit: (words: string) => void;
}

/** Bytes that may wait for the disk; beyond, pictures are dropped up to a keyframe. */
export const QUEUE_MAX_BYTES: number = 8 * 1024 * 1024;
/** Frames of one file: so many can be finished, and are about 7 hours of 30 pictures a second. */
export const MAX_FRAMES = 2_000_000;

/** Files of a minute: a publisher who changes his format with every keyframe would fill the folder. */
export const MAX_FILES_PER_MINUTE = 200;

/** A file that is being written. */
interface Current {
  readonly maker: FileMaker;
  readonly appender: Appender;
  readonly startedAt: Millis;
  place: RecordingPlace | undefined;
}

export class Recording implements FrameSink {
  readonly #options: RecordingOptions;
  readonly #cutter: Cutter;
  readonly #unfit = new Map<MediaKind, string>();
  #current: Current | undefined;
  /** Files whose last bytes are on their way. */
  readonly #closing = new Map<Appender, Promise<void>>();
  /** When the last picture came; -Infinity without a track of pictures. */
  #pictureAt: Millis = Number.NEGATIVE_INFINITY;
  #bytesBefore = 0;
  #first: Millis | undefined;
  #last: Millis = 0;
  #done: Promise<void> | undefined;
  #minute: { readonly until: Millis; files: number } = { until: 0, files: 0 };
  /** Whether frames are dropped, for the disk is slow. */
  dropping = false;
  droppedFrames = 0;
  /** Begun so far. */
  files = 0;

  constructor(options: RecordingOptions) {
    this.#options = options;
    const { format, maxMillis, maxBytes, waitKeyframe } = options;
    const carries = (track: FrameFormat): boolean => unfit(format, track) === "";
    const now = (): Millis => options.runtime.now();
    const expects = (kind: MediaKind): boolean => !this.#unfit.has(kind) && options.hasTrack(kind);
    const cut = {
      ...{ now, expects, carries, maxMillis, maxBytes, maxFrames: MAX_FRAMES, waitKeyframe },
      goesOn: (from: FrameFormat, to: FrameFormat): boolean => goesOn(format, from, to),
    };
    const sink: FileSink = {
      handleStart: (formats, at) => this.#startFile(formats, at),
      handleFormat: (changed) => this.#append(this.#current?.maker.change(changed)),
      handleFrame: (frame) => this.#put(frame),
      handleStop: () => this.#stopFile(),
    };
    this.#cutter = new Cutter(cut, sink);
  }

  /** Of the open file, below the root; empty while there is none. */
  get fileName(): string {
    return this.#current?.place?.name ?? "";
  }

  /** Bytes written to all its files. */
  get bytes(): number {
    return this.#bytesBefore + (this.#current?.appender.written ?? 0);
  }

  /** Bytes that wait for the disk. */
  get queued(): number {
    let queued = this.#current?.appender.queued ?? 0;
    for (const appender of this.#closing.keys()) queued += appender.queued;
    return queued;
  }

  /** Of media recorded, in ms. */
  get millis(): Millis {
    return this.#first === undefined ? 0 : this.#last - this.#first;
  }

  /** Tracks that are left out, in words. */
  get unfit(): string {
    return [...this.#unfit.values()].join("; ");
  }

  /** Whether nothing is taken any more. */
  get over(): boolean {
    return this.#done !== undefined;
  }

  /** Another server that is started knows by it that the file is not left over. */
  touch(): void {
    this.#current?.appender.touch();
  }

  /** Ends it; resolves when the last byte is written. */
  stop(error?: unknown): Promise<void> {
    this.#done ??= this.#end(error);
    return this.#done;
  }

  handleFormat(track: FrameFormat): void {
    if (this.over) return;
    const words = unfit(this.#options.format, track);
    if (words === "") this.#unfit.delete(track.kind);
    else if (this.#unfit.get(track.kind) !== words) {
      this.#unfit.set(track.kind, words);
      this.#options.onEvent.unfit(words);
    }
    this.#cutter.handleFormat(track);
  }

  handleFrame(frame: Frame): void {
    if (this.over || this.#unfit.has(frame.kind)) return;
    if (this.#mustDrop(frame)) this.droppedFrames++;
    else this.#cutter.handleFrame(frame);
  }

  handleEnd(): void {
    void this.stop();
  }

  async #end(error: unknown): Promise<void> {
    // What is called from here finds it over.
    await Promise.resolve();
    this.#cutter.handleEnd();
    await Promise.all(this.#closing.values());
    this.#options.onEvent.over(error);
  }

  /** Whole groups of pictures: what follows a frame that was dropped could not be decoded. */
  #mustDrop({ kind, keyframe, dts }: Frame): boolean {
    const { queued } = this;
    if (kind === "video") this.#pictureAt = dts;
    if (!this.dropping) {
      this.dropping = queued > QUEUE_MAX_BYTES;
      if (this.dropping) this.#options.onEvent.slow();
      return this.dropping;
    }
    const resumes = kind === "video" ? keyframe : dts - this.#pictureAt > KEYFRAME_WAIT_MILLIS;
    this.dropping = !resumes || queued > QUEUE_MAX_BYTES / 2;
    return this.dropping;
  }

  #startFile(formats: readonly FrameFormat[], at: Millis): void {
    const { format, runtime, store, name, minFreeBytes } = this.#options;
    if (this.#tooManyFiles()) {
      void this.stop(new Error(`More than ${MAX_FILES_PER_MINUTE} files in a minute`));
      return;
    }
    const startedAt = runtime.wallClock();
    const maker = makerOf(format, formats, at);
    const appender: Appender = new Appender({
      open: async () => {
        const { place, file } = await store.create(name, format, startedAt);
        current.place = place;
        return file;
      },
      check: () => store.checkRoom(minFreeBytes),
      flusher: this.#options.flusher,
      onFailed: (error) => void this.stop(error),
    });
    const current: Current = { maker, appender, startedAt, place: undefined };
    this.#current = current;
    this.files++;
    appender.append(maker.start());
  }

  #tooManyFiles(): boolean {
    const now = this.#options.runtime.now();
    if (now >= this.#minute.until) this.#minute = { until: now + 60_000, files: 0 };
    return ++this.#minute.files > MAX_FILES_PER_MINUTE;
  }

  #put(frame: Frame): void {
    this.#first ??= frame.dts;
    this.#last = Math.max(this.#last, frame.dts);
    this.#append(this.#current?.maker.put(frame));
  }

  #append(bytes: Uint8Array | undefined): void {
    if (bytes !== undefined) this.#current?.appender.append(bytes);
  }

  #stopFile(): void {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    const { appender, maker, startedAt } = current;
    const last = maker.stop();
    if (last !== undefined) appender.append(last);
    const closed = appender.close().then(() => {
      this.#closing.delete(appender);
      this.#bytesBefore += appender.written;
      if (current.place !== undefined) this.#options.onEvent.written(current.place, startedAt);
    });
    this.#closing.set(appender, closed);
  }
}
