import { type Millis, NEVER, type Runtime } from "../../core/base/mod.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { bundled, type TimedPacket, unbundled } from "./bundle.ts";
import { TranscodeHost } from "./host.ts";
import type { FromThread, ToThread } from "./messages.ts";
import type { SoundFormat, TargetCodec } from "./sound.ts";
import { threadCode } from "./thread.gen.ts";
import type { TranscodedPacket, TranscoderOptions } from "./transcoder.ts";

/**
 * What may wait for the thread: the sound of the longest group of pictures that is kept, which is given at
 * once when its first viewer comes. More is dropped, and heard as a gap.
 */
export const WAITING_MAX = 3000;
export const WAITING_MAX_BYTES: number = 4 * 1024 * 1024;
/** A thread that has so long not done what it was given does not keep up: what comes is dropped. */
export const WAITING_MILLIS: Millis = 10_000;
/** Packets that the thread has at a time of one track, and gets at a time: others have their turn in between. */
export const FLYING_MAX = 64;
const SEND_MAX = 16;
/**
 * Packets are gathered so long for muxers, who gather more: waking a thread costs as much as the packet that wakes it.
 * Opus is for viewers in real time.
 */
const GATHER_MILLIS: Readonly<Record<TargetCodec, Millis>> = { aac: 60, opus: 0 };
/** The same where all that is made goes into files. */
export const PATIENT_MILLIS: Millis = 500;
/**
 * Tracks of a thread are opened at most so often, all that are new together: a publisher who changes his format all
 * the time would keep the thread from the sound of others.
 */
export const OPEN_MILLIS: Millis = 20;
/** A thread without work ends after so long. */
const LINGER_MILLIS = 10_000;
/** Starts of one thread that failed one after the other before it is done on the main thread. */
const FAILURES_MAX = 3;

export interface LaneOptions {
  readonly runtime: Pick<Runtime, "startThread" | "now" | "wakeAt">;
  readonly log: Log;
  readonly metrics: Metrics;
  /** codecs.wasm, compiled once for all threads. */
  readonly module: () => Promise<WebAssembly.Module>;
  /** The same for a thread that cannot be given a compiled one. */
  readonly packed: () => Uint8Array<ArrayBuffer>;
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
  /** Whether all who take it can wait: not so until this is called. */
  setPatience(patient: boolean): void;
  /** Nothing is put any more: closes when the rest has come. */
  finish(): void;
  close(): void;
}

interface Job {
  readonly options: TranscoderOptions;
  readonly sink: TranscodedSink;
  /** Packets that are not done yet, their bytes, and those of them that the thread does not have yet. */
  waiting: number;
  waitingBytes: number;
  gathered: TimedPacket[];
  /** When these go to the thread at the latest. */
  due: Millis;
  patient: boolean;
  /** Of what the thread has: packets, and when it was given to it, message by message. */
  flying: number;
  readonly flights: { readonly bytes: number; readonly at: Millis }[];
  /** Whether the thread knows of it. */
  opened: boolean;
  finishing: boolean;
}

interface Channel {
  post(message: ToThread, transfer?: readonly ArrayBuffer[]): void;
  close(): void;
}

/** One thread and its tracks; it is started again when it ends by itself. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #onIdle: (lane: Lane) => void;
  readonly #jobs = new Map<number, Job>();
  #channel: Channel;
  #failures = 0;
  #lingering: Disposable | undefined;
  #gathering: Disposable | undefined;
  #gatheringUntil: Millis = NEVER;
  #opening: Disposable | undefined;
  #openedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: LaneOptions, onIdle: (lane: Lane) => void) {
    this.#options = options;
    this.#onIdle = onIdle;
    this.#channel = this.#start();
  }

  /** Tracks, but for those that only finish. */
  get size(): number {
    let size = 0;
    for (const { finishing } of this.#jobs.values()) if (!finishing) size++;
    return size;
  }

  open(id: number, options: TranscoderOptions, sink: TranscodedSink): Transcoding {
    this.#lingering?.[Symbol.dispose]();
    const job: Job = {
      options,
      sink,
      waiting: 0,
      waitingBytes: 0,
      gathered: [],
      due: NEVER,
      patient: false,
      flying: 0,
      flights: [],
      opened: false,
      finishing: false,
    };
    this.#jobs.set(id, job);
    const { runtime } = this.#options;
    const due = this.#openedAt + OPEN_MILLIS;
    if (runtime.now() >= due) this.#openAll();
    else this.#opening ??= runtime.wakeAt(due, () => this.#openAll());
    return {
      put: (data, pts) => this.#put(id, job, data, pts),
      setPatience: (patient) => {
        job.patient = patient;
        if (!patient) this.#send(id, job);
      },
      finish: () => this.#finish(id, job),
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
      this.#openNow(id, job);
      this.#send(id, job);
    }
  }

  #openNow(id: number, job: Job): void {
    job.opened = true;
    this.#channel.post({ kind: "open", id, options: job.options });
  }

  #put(id: number, job: Job, data: Uint8Array, pts: number): void {
    if (!this.#jobs.has(id) || job.finishing) return;
    const { metrics } = this.#options;
    metrics.count("monoport_transcoded_packets_total");
    if (this.#isFull(job, data.length)) {
      metrics.count("monoport_transcode_dropped_total", "queue-full");
      return;
    }
    job.waiting++;
    job.waitingBytes += data.length;
    job.gathered.push({ data, pts });
    const millis = job.patient ? PATIENT_MILLIS : GATHER_MILLIS[job.options.to];
    if (millis === 0 || job.gathered.length >= batchOf(job)) this.#send(id, job);
    else if (job.due === NEVER) this.#sendAt(job, this.#options.runtime.now() + millis);
  }

  #isFull({ waiting, waitingBytes, flights }: Job, bytes: number): boolean {
    if (waiting >= WAITING_MAX || waitingBytes + bytes > WAITING_MAX_BYTES) return true;
    const [oldest] = flights;
    return oldest !== undefined && this.#options.runtime.now() - oldest.at > WAITING_MILLIS;
  }

  #sendAt(job: Job, due: Millis): void {
    job.due = due;
    if (due < this.#gatheringUntil) this.#wakeAt(due);
  }

  #wakeAt(due: Millis): void {
    this.#gathering?.[Symbol.dispose]();
    this.#gatheringUntil = due;
    this.#gathering = this.#options.runtime.wakeAt(due, () => {
      this.#gatheringUntil = NEVER;
      let next: Millis = NEVER;
      for (const [id, job] of this.#jobs) {
        if (job.due <= due) this.#send(id, job);
        else next = Math.min(next, job.due);
      }
      if (next !== NEVER) this.#wakeAt(next);
    });
  }

  /** Gives the thread what waits, as far as it may have it. */
  #send(id: number, job: Job): void {
    job.due = NEVER;
    while (job.opened && job.gathered.length > 0 && job.flying < FLYING_MAX) {
      const some = job.gathered.length <= SEND_MAX ? job.gathered : job.gathered.slice(0, SEND_MAX);
      job.gathered = some === job.gathered ? [] : job.gathered.slice(SEND_MAX);
      const packets = bundled(some);
      job.flying += some.length;
      job.flights.push({ bytes: packets.data.length, at: this.#options.runtime.now() });
      this.#channel.post({ kind: "put", id, packets }, [packets.data.buffer]);
    }
  }

  #finish(id: number, job: Job): void {
    job.finishing = true;
    this.#send(id, job);
    if (job.waiting === 0) this.#close(id);
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
    this.#giveModule(channel);
    return channel;
  }

  /** What the channel is told meanwhile it keeps. */
  #giveModule(channel: Channel): void {
    const { log, module, packed } = this.#options;
    module().then(
      (compiled) => {
        try {
          channel.post({ kind: "module", module: compiled });
        } catch {
          const bytes = packed();
          channel.post({ kind: "packed", packed: bytes }, [bytes.buffer]);
        }
      },
      (error: unknown) => {
        log.limited("error", "sound is not transcoded: codecs.wasm does not run here", {
          reason: String(error),
        });
      },
    );
  }

  #restart(error: Error): void {
    const { log, metrics } = this.#options;
    this.#failures++;
    metrics.count("monoport_transcode_restarts_total");
    log.limited("error", "the thread that transcodes ended: starting another", {
      reason: error.message,
    });
    this.#channel = this.#start();
    for (const [id, job] of [...this.#jobs]) {
      job.waiting = job.gathered.length;
      job.waitingBytes = job.gathered.reduce((sum, { data }) => sum + data.length, 0);
      job.flying = 0;
      job.flights.length = 0;
      this.#openNow(id, job);
      this.#send(id, job);
      if (job.finishing && job.waiting === 0) this.#close(id);
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
      this.#landed(message.id, job, message.taken);
      for (let i = 0; i < message.bad; i++) {
        metrics.count("monoport_transcode_dropped_total", "undecodable");
      }
      for (const packet of unbundled(message.packets)) job.sink.handlePacket(packet);
      if (job.finishing && job.waiting === 0) this.#close(message.id);
    }
  }

  /** So many packets are done. */
  #landed(id: number, job: Job, packets: number): void {
    const full = job.flying >= FLYING_MAX;
    job.waiting -= packets;
    job.flying -= packets;
    job.waitingBytes -= job.flights.shift()?.bytes ?? 0;
    // What had to wait goes on; what is only gathered has its own time.
    if (full || job.gathered.length >= batchOf(job) || job.finishing) this.#send(id, job);
  }
}

/** Packets that are worth a message. */
function batchOf({ patient }: Job): number {
  return patient ? FLYING_MAX : SEND_MAX;
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
