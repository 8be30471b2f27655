import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import type { ClientFacts, MoreClients } from "../facts.ts";
import type { FrameSource } from "../frames/mod.ts";
import type { Visits } from "../hooks/mod.ts";
import { MP4, TS } from "./container.ts";
import { type CompleteSegment, HlsMuxer } from "./muxer.ts";
import type { StreamFiles } from "./stream_files.ts";
import { HlsViewers, VIEWER_IDLE_MILLIS } from "./viewers.ts";

export interface HlsOptions {
  readonly runtime: Pick<Runtime, "now" | "wakeAt" | "wallClock" | "crypto">;
  readonly frames: FrameSource;
  /** Asked for each viewer who comes. */
  readonly hooks?: Visits | undefined;
  readonly fragmentMillis: Millis;
  readonly windowMillis: Millis;
  readonly partMillis: Millis;
  /** A muxer nobody asks any more ends after so long. */
  readonly disposeMillis: Millis;
  /** Muxers at a time. */
  readonly maxStreams: number;
  /** Whether somebody publishes a stream; default: yes. */
  readonly published?: (name: StreamName) => boolean;
  /** Segments are MPEG-TS, without low latency, for players that know nothing else. */
  readonly ts?: boolean;
  /** Where a stream is written that is made into files, with its target duration in seconds. */
  readonly files?: ((name: StreamName, targetSeconds: number) => StreamFiles) | undefined;
  /** Whether files are taken away some time after the stream is over; default yes. */
  readonly cleanup?: boolean;
  /** Told of every segment that is complete. */
  readonly onSegment?: (segment: HlsSegment) => void;
}

export type HlsAudio = "aac" | "opus";

/** A segment that has all it will have. */
export interface HlsSegment extends CompleteSegment {
  readonly stream: StreamName;
  readonly audio: HlsAudio;
}

interface Running {
  readonly muxer: HlsMuxer;
  readonly key: string;
  readonly id: string;
  readonly tap: Disposable;
  asked: Millis;
  /** When somebody asked by HTTP. */
  requested: Millis;
  /** Who asked last, each once. */
  readonly addresses: Set<string>;
  files: StreamFiles | undefined;
}

/** Pictures wait so long for sound that is being transcoded: players take no other tracks than they began with. */
const SOUND_WAIT_MILLIS: Millis = 5000;
/** The share of all muxers that may wait for a publisher: anybody may ask for names nobody publishes. */
export const WAITING_SHARE = 0.25;
/** One whose stream nobody publishes ends so soon. */
const NOBODY_MILLIS: Millis = 5000;
const SWEEP_MILLIS: Millis = 1000;

/** The streams that are made into HLS: from the first request on until some time after the last. */
export class Hls implements MoreClients {
  readonly viewers: HlsViewers;
  readonly #options: HlsOptions;
  readonly #byKey = new Map<string, Running>();
  readonly #byId = new Map<string, Running>();
  #timer: Disposable | undefined;

  constructor(options: HlsOptions) {
    this.#options = options;
    this.viewers = new HlsViewers(options.runtime.crypto, options.hooks);
  }

  /** Whether segments are MPEG-TS. */
  get ts(): boolean {
    return this.#options.ts ?? false;
  }

  get streams(): number {
    return this.#byKey.size;
  }

  /** The muxer of a stream, begun if need be; `undefined` when there are too many. */
  open(name: StreamName, audio: HlsAudio, address = ""): HlsMuxer | undefined {
    const running = this.#run(name, audio);
    if (running !== undefined) remember(running.addresses, address);
    return this.#requested(running);
  }

  /** Whether anybody has asked for a stream lately, who need not be its viewer yet. */
  watches(key: string): boolean {
    return this.watching(key).length > 0;
  }

  /** Addresses that asked for it, if anybody has lately. */
  watching(key: string): string[] {
    const since = this.#options.runtime.now() - VIEWER_IDLE_MILLIS;
    return (["aac", "opus"] as const).flatMap((audio) => {
      const running = this.#byKey.get(`${key} ${audio}`);
      return running !== undefined && running.requested >= since ? [...running.addresses] : [];
    });
  }

  #requested(running: Running | undefined): HlsMuxer | undefined {
    if (running === undefined) return undefined;
    running.asked = this.#options.runtime.now();
    running.requested = running.asked;
    return running.muxer;
  }

  /** Makes a stream into files from now on; `false` when there are too many. */
  write(name: StreamName): boolean {
    const running = this.#run(name, "aac");
    if (running === undefined) return false;
    running.asked = this.#options.runtime.now();
    if (running.files === undefined || running.files.stopped)
      running.files = this.#options.files?.(name, running.muxer.targetSeconds);
    return true;
  }

  #run(name: StreamName, audio: HlsAudio): Running | undefined {
    const { runtime, frames, maxStreams, onSegment } = this.#options;
    const key = `${name.key} ${audio}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= maxStreams || this.#tooManyWait(name)) return undefined;
    const id = hex(runtime.crypto.random(6));
    const muxer = new HlsMuxer({
      ...this.#options,
      prefix: id,
      format: this.ts ? TS : MP4,
      onSegment: (segment) => {
        onSegment?.({ ...segment, stream: name, audio });
        this.#byKey.get(key)?.files?.put(segment);
      },
    });
    // A tap tells at once what is kept: there are no whole segments in it.
    const soundWaitMillis = SOUND_WAIT_MILLIS;
    const tap = frames.tap(name, { audio, fromKeyframe: true, soundWaitMillis }, muxer);
    const running = {
      muxer,
      key,
      id,
      tap,
      asked: runtime.now(),
      requested: Number.NEGATIVE_INFINITY,
      addresses: new Set<string>(),
      files: undefined,
    };
    this.#byKey.set(key, running);
    this.#byId.set(id, running);
    this.#timer ??= this.#sweepLater();
    return running;
  }

  #tooManyWait(name: StreamName): boolean {
    const { published, maxStreams } = this.#options;
    if (published === undefined || published(name)) return false;
    let waiting = 0;
    for (const { muxer } of this.#byKey.values()) if (!muxer.live && !muxer.begun) waiting++;
    return waiting >= Math.ceil(maxStreams * WAITING_SHARE);
  }

  /** The muxer that gave a resource its name. */
  find(id: string): HlsMuxer | undefined {
    return this.#requested(this.#byId.get(id));
  }

  clients(): ClientFacts[] {
    return this.viewers.clients(this.#options.runtime.now());
  }

  kick(id: string): boolean {
    return this.viewers.kick(id);
  }

  publisherOf(): undefined {
    return undefined;
  }

  close(): void {
    this.#timer?.[Symbol.dispose]();
    for (const running of [...this.#byKey.values()]) this.#end(running);
    this.viewers.close();
  }

  #sweepLater(): Disposable {
    const { runtime } = this.#options;
    return runtime.wakeAt(runtime.now() + SWEEP_MILLIS, () => {
      this.#sweep(runtime.now());
      const busy = this.#byKey.size + this.viewers.size > 0;
      this.#timer = busy ? this.#sweepLater() : undefined;
    });
  }

  #sweep(now: Millis): void {
    this.viewers.forgetIdle(now);
    for (const running of [...this.#byKey.values()]) {
      const { muxer, files } = running;
      if (files !== undefined && !files.stopped) {
        if (muxer.live) running.asked = now;
        else if (muxer.ended) files.end();
      }
      const idle = now - running.asked;
      const nobody = !muxer.live && !muxer.begun;
      if (idle > this.#options.disposeMillis || (nobody && idle > NOBODY_MILLIS)) {
        this.#end(running);
        if (this.#options.cleanup ?? true) void running.files?.remove();
      }
    }
  }

  #end({ muxer, key, id, tap }: Running): void {
    this.#byKey.delete(key);
    this.#byId.delete(id);
    tap[Symbol.dispose]();
    muxer.close();
  }
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Addresses that are remembered of those who asked for one stream. */
const ADDRESSES_MAX = 8;

function remember(addresses: Set<string>, address: string): void {
  addresses.delete(address);
  addresses.add(address);
  if (addresses.size <= ADDRESSES_MAX) return;
  const [oldest = ""] = addresses;
  addresses.delete(oldest);
}
