/** All recordings: those that run, and what became of the last ones. @module */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { MediaKind } from "../../core/media/mod.ts";
import type { HubEvent, StreamName } from "../../core/stream/mod.ts";
import type { Config } from "../config/config.ts";
import { describeFileError, isMissing } from "../file_error.ts";
import type { FrameSource } from "../frames/mod.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { word } from "../routes/envelope.ts";
import { codeLabel } from "./error_code.ts";
import type { RecordingFacts, RecordingFinished, RecordingSource, RecordingWish } from "./facts.ts";
import { Finisher } from "./finisher.ts";
import { Flusher } from "./flusher.ts";
import { LeftOver } from "./left_over.ts";
import { type DeletedListener, openRetention } from "./open_retention.ts";
import type { RecordingFormat } from "./path_template.ts";
import { Recording, type RecordingRules } from "./recording.ts";
import type { Retention } from "./retention.ts";
import { type RecordingPlace, RecordingStore } from "./store.ts";

export interface RecordingsOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly frames: FrameSource;
  /** Whether somebody publishes the stream with that key. */
  readonly live: (key: string) => boolean;
  /** Whether the stream with that key has such a track, as far as is known by now. */
  readonly hasTrack: (key: string, kind: MediaKind) => boolean;
}

/** Recordings that are over, of which the API tells. */
export const MAX_PAST = 100;
/** One that nobody publishes for ends so long after it was asked for. */
export const NOBODY_MILLIS: Millis = 60_000;
/** Files to which nothing is written are touched: others take those that do not change as left over. */
const TOUCH_MILLIS: Millis = 1000;
/** What the end of the server waits for. */
const END_MILLIS: Millis = 5000;
/** `all` means what people publish: not our own clip, nor what `/diagnose` sends. */
const NOT_ALL: ReadonlySet<string> = new Set(["live/demo"]);
const NOT_APP = "diagnose";

interface Running {
  readonly recording: Recording;
  readonly id: string;
  readonly name: StreamName;
  readonly format: RecordingFormat;
  readonly source: RecordingSource;
  readonly startedAt: Millis;
  tap: Disposable | undefined;
  timer: Disposable | undefined;
}

export class Recordings {
  readonly store: RecordingStore;
  readonly #options: RecordingsOptions;
  readonly #finisher: Finisher;
  readonly #flusher: Flusher;
  readonly #leftOver: LeftOver;
  readonly #retention: Retention;
  readonly #running = new Map<string, Running>();
  #past: RecordingFacts[] = [];
  readonly #listeners = new Set<(finished: RecordingFinished) => void>();
  readonly #deletedListeners = new Set<DeletedListener>();
  #bytesBefore = 0;
  #droppedBefore = 0;
  #touching: Disposable | undefined;
  #closed = false;

  constructor(options: RecordingsOptions) {
    this.#options = options;
    const { runtime, config, metrics, log } = options;
    this.store = new RecordingStore(runtime.files, config["vhost.dvr.dvr_path"]);
    this.#flusher = new Flusher(runtime);
    this.#finisher = new Finisher({ files: runtime.files, minFreeBytes: this.#minFreeBytes });
    this.#leftOver = new LeftOver({
      runtime,
      store: this.store,
      isOwn: ({ name }) => this.#isWritten(name),
      onFound: (place, format) => this.#finish(place, format, 0),
      onFailed: (error) => {
        const { root } = this.store;
        log.error("Cannot look for left recordings", { folder: root, error: this.#words(error) });
      },
    });
    this.#retention = openRetention(options, this.store, this.#deletedListeners);
    metrics.gauge("monoport_recordings", "Recordings that run", () => this.#running.size);
    metrics.gauge("monoport_recordings_queued_bytes", "Bytes that wait for the disk", () =>
      this.#sum(({ queued }) => queued),
    );
    metrics.gauge(
      "monoport_recordings_finishing",
      "Recorded files that are being finished, or wait for it",
      () => this.#finisher.waiting,
    );
    metrics.follow(
      "monoport_recorded_bytes_total",
      () => this.#bytesBefore + this.#sum(({ bytes }) => bytes),
    );
    metrics.follow(
      "monoport_recording_dropped_frames_total",
      () => this.#droppedBefore + this.#sum(({ droppedFrames }) => droppedFrames),
    );
  }

  /** Calls `listener` for each file that was finished; disposing ends that. */
  onFinished(listener: (finished: RecordingFinished) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** The same for each that was deleted for its age or the size of all. */
  onDeleted(listener: DeletedListener): Disposable {
    this.#deletedListeners.add(listener);
    return { [Symbol.dispose]: () => void this.#deletedListeners.delete(listener) };
  }

  /** Running ones and the last that are over, the newest first. */
  facts(): RecordingFacts[] {
    const running = [...this.#running.values()].map((one) => this.#factsOf(one));
    return [...running.reverse(), ...this.#past];
  }

  /**
   * Records the stream from its next keyframe until its publisher is gone, or `stop`. One that is being
   * recorded in the same format is not recorded twice. A text says why not.
   */
  start(name: StreamName, wish: RecordingWish, source: RecordingSource): RecordingFacts | string {
    const { config, runtime, frames, metrics, log, hasTrack } = this.#options;
    const rules = this.#rules(wish);
    const known = this.#find(name, rules.format);
    if (known !== undefined) return this.#factsOf(known);
    if (this.#closed) return "The server is about to end";
    if (this.#running.size >= config["limits.recordings"]) {
      metrics.count("monoport_recordings_failed_total", "limit");
      return "Too many recordings (limits.recordings)";
    }
    const id = word(runtime, 8);
    const stream = name.key;
    const recording = new Recording({
      ...rules,
      id,
      name,
      runtime,
      store: this.store,
      minFreeBytes: this.#minFreeBytes,
      flusher: this.#flusher,
      hasTrack: (kind) => hasTrack(stream, kind),
      onEvent: {
        written: (place, startedAt) => this.#finish(place, rules.format, startedAt),
        over: (error) => this.#over(running, error),
        slow: () => {
          metrics.count("monoport_recordings_slow_total");
          log.limited(
            "warn",
            "The disk is slow: frames are dropped from a recording",
            { stream },
            10,
          );
        },
        unfit: (words) => log.warn("A recording leaves a track out", { stream, reason: words }),
      },
    });
    const startedAt = runtime.wallClock();
    const running: Running = {
      recording,
      id,
      name,
      format: rules.format,
      source,
      startedAt,
      tap: undefined,
      timer: undefined,
    };
    this.#running.set(id, running);
    metrics.count("monoport_recordings_total", source);
    log.event("Recording", { stream, recording: id, format: rules.format, by: source });
    this.#expect(running);
    this.#touching ??= this.#touchLater();
    running.tap = frames.tap(
      name,
      { audio: rules.audio, fromKeyframe: true, patient: true },
      recording,
    );
    return this.#factsOf(running);
  }

  /** Ends one; false when there is none. */
  stop(id: string): boolean {
    const running = this.#running.get(id);
    void running?.recording.stop();
    return running !== undefined;
  }

  /** Begins what the configuration asks for. */
  handleHubEvent(event: HubEvent): void {
    if (event.type !== "published" || !this.#applies(event.stream.name)) return;
    const { name } = event.stream;
    const begun = this.start(name, {}, "config");
    if (typeof begun === "string") {
      const fields = { stream: name.key, reason: begun };
      this.#options.log.limited("error", "A stream is not recorded", fields, 10);
    }
  }

  /** Finishes what a server that was killed has left behind, and begins to delete what is old. Resolves when that is begun. */
  async recover(): Promise<void> {
    this.#retention.start();
    await this.#leftOver.look();
  }

  /** Ends all; what is not finished by then is so at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#leftOver.close();
    const deleted = this.#retention.close();
    this.#touching?.[Symbol.dispose]();
    const { runtime } = this.#options;
    const all = [...this.#running.values()].map(({ recording }) => recording.stop());
    const done = Promise.all([deleted, ...all]).then(() => this.#finisher.idle());
    let timer: Disposable | undefined;
    const late = new Promise<void>((resolve) => {
      timer = runtime.wakeAt(runtime.now() + END_MILLIS, resolve);
    });
    await Promise.race([done, late]);
    timer?.[Symbol.dispose]();
    this.#finisher.stop();
  }

  get #minFreeBytes(): number {
    return this.#options.config["vhost.dvr.dvr_min_free"] * 2 ** 20;
  }

  #rules(wish: RecordingWish): RecordingRules {
    const { config } = this.#options;
    const segments = config["vhost.dvr.dvr_plan"] === "segment";
    const planned = segments ? config["vhost.dvr.dvr_duration"] : Number.POSITIVE_INFINITY;
    return {
      format: wish.format ?? this.store.format,
      audio: wish.audio ?? config["vhost.dvr.dvr_acodec"],
      maxMillis: wish.maxMillis ?? planned,
      maxBytes: config["vhost.dvr.dvr_max_size"] * 2 ** 20,
      waitKeyframe: config["vhost.dvr.dvr_wait_keyframe"],
    };
  }

  #applies({ app, key }: StreamName): boolean {
    const { config } = this.#options;
    if (!config["vhost.dvr.enabled"] || app === NOT_APP) return false;
    const apply = config["vhost.dvr.dvr_apply"];
    return apply.includes(key) || (apply.includes("all") && !NOT_ALL.has(key));
  }

  #find(name: StreamName, format: RecordingFormat): Running | undefined {
    for (const one of this.#running.values()) {
      if (one.name.key === name.key && one.format === format && !one.recording.over) return one;
    }
    return undefined;
  }

  /** Who has asked may have meant a publisher who never came. */
  #expect(running: Running): void {
    const { runtime, live } = this.#options;
    running.timer = runtime.wakeAt(runtime.now() + NOBODY_MILLIS, () => {
      if (running.recording.files > 0) return;
      if (live(running.name.key)) this.#expect(running);
      else void running.recording.stop();
    });
  }

  #touchLater(): Disposable {
    const { runtime } = this.#options;
    return runtime.wakeAt(runtime.now() + TOUCH_MILLIS, () => {
      for (const { recording } of this.#running.values()) recording.touch();
      this.#touching = this.#running.size > 0 ? this.#touchLater() : undefined;
    });
  }

  #over(running: Running, error: unknown): void {
    const { log, metrics } = this.#options;
    const { id, name, recording } = running;
    running.tap?.[Symbol.dispose]();
    running.timer?.[Symbol.dispose]();
    this.#running.delete(id);
    this.#bytesBefore += recording.bytes;
    this.#droppedBefore += recording.droppedFrames;
    const words = error === undefined ? "" : this.#words(error);
    const facts = this.#factsOf(running);
    const state = words === "" ? "ended" : "failed";
    this.#past.unshift({ ...facts, state, error: words || facts.error });
    this.#past = this.#past.slice(0, MAX_PAST);
    if (words === "") {
      log.event("Recording ended", { stream: name.key, recording: id, files: recording.files });
      return;
    }
    metrics.count("monoport_recordings_failed_total", codeLabel(error));
    log.error("A recording failed", { stream: name.key, recording: id, error: words });
  }

  #words(error: unknown): string {
    return describeFileError(error, `--allow-write=${this.store.root}`);
  }

  #finish(place: RecordingPlace, format: RecordingFormat, startedAt: Millis): void {
    const { log, metrics } = this.#options;
    const facts = this.store.factsOf(place.name);
    this.#finisher.finish(place, format).then(
      (file) => {
        if (file === undefined) return;
        const { duration, size, trouble } = file;
        const { app = "", stream = "" } = facts ?? {};
        const { name, path } = place;
        this.#retention.noteFinished(name);
        log.event("Recorded", {
          file: path,
          seconds: Math.round(duration / 100) / 10,
          bytes: size,
        });
        if (trouble !== "") {
          log.warn("A recording stays as it was written", { file: path, reason: trouble });
        }
        metrics.count("monoport_recorded_files_total", trouble === "" ? "finished" : "plain");
        const told = { app, stream, name, file: path, format, startedAt, duration, size };
        for (const listener of [...this.#listeners]) listener(told);
      },
      (error) => {
        // One that was left over may have been another server's, and is finished.
        if (startedAt === 0 && isMissing(error)) return;
        metrics.count("monoport_recorded_files_total", "failed");
        log.error("Cannot finish a recording", { file: place.partPath, error: this.#words(error) });
      },
    );
  }

  #isWritten(name: string): boolean {
    return [...this.#running.values()].some(({ recording }) => recording.fileName === name);
  }

  #factsOf({ id, name, format, source, startedAt, recording }: Running): RecordingFacts {
    const { over, dropping, files } = recording;
    return {
      id,
      name,
      format,
      source,
      state: over ? "ending" : dropping ? "slow" : files === 0 ? "waiting" : "recording",
      file: recording.fileName,
      files,
      startedAt,
      duration: recording.millis,
      bytes: recording.bytes,
      droppedFrames: recording.droppedFrames,
      error: recording.unfit,
    };
  }

  #sum(of: (recording: Recording) => number): number {
    let sum = 0;
    for (const { recording } of this.#running.values()) sum += of(recording);
    return sum;
  }
}
