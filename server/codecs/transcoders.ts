import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { bundled, type TimedPacket, unbundled } from "./bundle.ts";
import { TranscodeHost } from "./host.ts";
import type { FromThread, ToThread } from "./messages.ts";
import { packedCodecs } from "./packed.ts";
import type { SoundFormat, TargetCodec } from "./sound.ts";
import { threadCode } from "./thread.gen.ts";
import type { TranscodedPacket, TranscoderOptions } from "./transcoder.ts";

/** Tracks that one thread transcodes: at 2 to 3 % of a core each, half a core. */
export const TRACKS_PER_THREAD = 16;
/** Packets that may wait for the thread: 10 s. More are dropped, and heard as a gap. */
export const WAITING_MAX = 512;
/**
 * Packets are gathered so long for muxers, who gather more: waking a thread costs as much as the packet that wakes it.
 * Opus is for viewers in real time.
 */
const GATHER_MILLIS: Readonly<Record<TargetCodec, Millis>> = { aac: 60, opus: 0 };
/**
 * Tracks of a thread are opened at most so often, all that are new together: a publisher who changes his format all
 * the time would keep the thread from the sound of others.
 */
export const OPEN_MILLIS: Millis = 20;
/** A thread without work ends after so long. */
const LINGER_MILLIS = 10_000;
/** Starts of one thread that failed one after the other before it is done on the main thread. */
const FAILURES_MAX = 3;

export interface TranscodersOptions {
  readonly runtime: Pick<Runtime, "startThread" | "now" | "wakeAt">;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Tracks that may be transcoded at a time. */
  readonly max: number;
}

/** Where a track's new sound goes. */
export interface TranscodedSink {
  /** Before the first packet. */
  handleFormat(format: SoundFormat): void;
  handlePacket(packet: TranscodedPacket): void;
}

/** A track that is transcoded until it is closed. */
export interface Transcoding {
  /** `pts` in ms. `data` must not be changed. */
  put(data: Uint8Array, pts: number): void;
  close(): void;
}

interface Job {
  readonly options: TranscoderOptions;
  readonly sink: TranscodedSink;
  /** Packets that are not done yet, and those of them that the thread does not have yet. */
  waiting: number;
  gathered: TimedPacket[];
  /** Whether the thread knows of it. */
  opened: boolean;
}

interface Channel {
  post(message: ToThread, transfer?: readonly ArrayBuffer[]): void;
  close(): void;
}

/** All transcoding of the server: threads that start with the first track and end after the last. */
export class Transcoders {
  readonly #options: TranscodersOptions;
  readonly #lanes = new Set<Lane>();
  #nextId = 0;

  constructor(options: TranscodersOptions) {
    this.#options = options;
  }

  /** Tracks that are transcoded now. */
  get active(): number {
    let tracks = 0;
    for (const lane of this.#lanes) tracks += lane.size;
    return tracks;
  }

  get threads(): number {
    return this.#lanes.size;
  }

  /** `undefined` when there are too many. */
  open(options: TranscoderOptions, sink: TranscodedSink): Transcoding | undefined {
    const { log, max } = this.#options;
    if (this.active >= max) {
      log.limited("warn", "sound is not transcoded: there are too many tracks", {
        "limits.transcodes": max,
      });
      return undefined;
    }
    let lane = [...this.#lanes].find(({ size }) => size < TRACKS_PER_THREAD);
    if (lane === undefined) {
      lane = new Lane(this.#options, (idle) => this.#lanes.delete(idle));
      this.#lanes.add(lane);
    }
    return lane.open(this.#nextId++, options, sink);
  }

  /** Ends the threads. */
  close(): void {
    for (const lane of this.#lanes) lane.close();
    this.#lanes.clear();
  }
}

/** One thread and its tracks; it is started again when it ends by itself. */
class Lane {
  readonly #options: TranscodersOptions;
  readonly #onIdle: (lane: Lane) => void;
  readonly #jobs = new Map<number, Job>();
  #channel: Channel;
  #failures = 0;
  #lingering: Disposable | undefined;
  #gathering: Disposable | undefined;
  #opening: Disposable | undefined;
  #openedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: TranscodersOptions, onIdle: (lane: Lane) => void) {
    this.#options = options;
    this.#onIdle = onIdle;
    this.#channel = this.#start();
  }

  get size(): number {
    return this.#jobs.size;
  }

  open(id: number, options: TranscoderOptions, sink: TranscodedSink): Transcoding {
    this.#lingering?.[Symbol.dispose]();
    const job: Job = { options, sink, waiting: 0, gathered: [], opened: false };
    this.#jobs.set(id, job);
    const { runtime } = this.#options;
    const due = this.#openedAt + OPEN_MILLIS;
    if (runtime.now() >= due) this.#openAll();
    else this.#opening ??= runtime.wakeAt(due, () => this.#openAll());
    return {
      put: (data, pts) => this.#put(id, job, data, pts),
      close: () => this.#close(id),
    };
  }

  close(): void {
    this.#lingering?.[Symbol.dispose]();
    this.#opening?.[Symbol.dispose]();
    this.#gathering?.[Symbol.dispose]();
    this.#jobs.clear();
    this.#channel.close();
  }

  #openAll(): void {
    this.#opening?.[Symbol.dispose]();
    this.#opening = undefined;
    this.#openedAt = this.#options.runtime.now();
    for (const [id, job] of this.#jobs) {
      if (job.opened) continue;
      job.opened = true;
      this.#channel.post({ kind: "open", id, options: job.options });
      if (job.gathered.length > 0) this.#send(id, job);
    }
  }

  #put(id: number, job: Job, data: Uint8Array, pts: number): void {
    if (!this.#jobs.has(id)) return;
    const { metrics } = this.#options;
    metrics.count("monoport_transcoded_packets_total");
    if (job.waiting >= WAITING_MAX) {
      metrics.count("monoport_transcode_dropped_total", "queue-full");
      return;
    }
    job.waiting++;
    job.gathered.push({ data, pts });
    const millis = GATHER_MILLIS[job.options.to];
    if (millis === 0) this.#send(id, job);
    else this.#gathering ??= this.#sendLater(millis);
  }

  #sendLater(millis: Millis): Disposable {
    const { runtime } = this.#options;
    return runtime.wakeAt(runtime.now() + millis, () => {
      this.#gathering = undefined;
      for (const [id, job] of this.#jobs) if (job.gathered.length > 0) this.#send(id, job);
    });
  }

  #send(id: number, job: Job): void {
    if (!job.opened) return;
    const packets = bundled(job.gathered);
    job.gathered = [];
    this.#channel.post({ kind: "put", id, packets }, [packets.data.buffer]);
  }

  #close(id: number): void {
    const job = this.#jobs.get(id);
    if (!this.#jobs.delete(id)) return;
    if (job?.opened) this.#channel.post({ kind: "close", id });
    if (this.#jobs.size > 0) return;
    const { runtime } = this.#options;
    this.#lingering = runtime.wakeAt(runtime.now() + LINGER_MILLIS, () => {
      this.#channel.close();
      this.#onIdle(this);
    });
  }

  #start(): Channel {
    const { runtime, log } = this.#options;
    let channel: Channel;
    try {
      if (this.#failures >= FAILURES_MAX) throw new Error("it ended again and again");
      channel = runtime.startThread(threadCode, {
        message: (data) => this.#handle(data as FromThread),
        ended: (error) => this.#restart(error),
      });
    } catch (error) {
      log.limited("warn", "sound is transcoded on the main thread: no other can be had", {
        reason: String(error),
      });
      channel = onMainThread((message) => this.#handle(message));
    }
    const packed = packedCodecs();
    channel.post({ kind: "codecs", packed }, [packed.buffer]);
    return channel;
  }

  #restart(error: Error): void {
    const { log, metrics } = this.#options;
    this.#failures++;
    metrics.count("monoport_transcode_restarts_total");
    log.limited("error", "the thread that transcodes ended: starting another", {
      reason: error.message,
    });
    this.#channel = this.#start();
    for (const [id, job] of this.#jobs) {
      job.waiting = job.gathered.length;
      job.opened = true;
      this.#channel.post({ kind: "open", id, options: job.options });
    }
  }

  #handle(message: FromThread): void {
    const { log, metrics } = this.#options;
    if (message.kind === "trapped") {
      metrics.count("monoport_transcode_restarts_total");
      log.limited("error", "codecs.wasm trapped: started anew", { reason: message.words });
      return;
    }
    const job = this.#jobs.get(message.id);
    if (job === undefined) return; // closed meanwhile
    if (message.kind === "format") job.sink.handleFormat(message.format);
    else if (message.kind === "refused") {
      const { codec, sampleRate, channels } = job.options.from;
      const fields = { codec, sampleRate, channels };
      log.limited("warn", "sound cannot be decoded: its configuration is wrong", fields);
    } else {
      this.#failures = 0;
      job.waiting = Math.max(0, job.waiting - message.taken);
      for (let i = 0; i < message.bad; i++) {
        metrics.count("monoport_transcode_dropped_total", "undecodable");
      }
      for (const packet of unbundled(message.packets)) job.sink.handlePacket(packet);
    }
  }
}

/** The same host without a thread; what it posts comes after the call, as from one. */
function onMainThread(handle: (message: FromThread) => void): Channel {
  let closed = false;
  const host = new TranscodeHost((message) =>
    queueMicrotask(() => {
      if (!closed) handle(message);
    }),
  );
  return {
    post: (message) => {
      if (closed) return;
      host.handle(message).catch((error: unknown) => {
        handle({ kind: "trapped", words: String(error) }); // no WebAssembly here, or no SIMD
      });
    },
    close: () => {
      closed = true;
    },
  };
}
