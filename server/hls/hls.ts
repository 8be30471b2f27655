import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import type { ClientFacts, MoreClients } from "../facts.ts";
import type { FrameSource } from "../frames/mod.ts";
import type { Visits } from "../hooks/mod.ts";
import { MP4, TS } from "./container.ts";
import { type CompleteSegment, HlsMuxer } from "./muxer.ts";
import { HlsViewers } from "./viewers.ts";

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
  /** Segments are MPEG-TS, without low latency, for players that know nothing else. */
  readonly ts?: boolean;
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
}

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
  open(name: StreamName, audio: HlsAudio): HlsMuxer | undefined {
    const { runtime, frames, maxStreams } = this.#options;
    const key = `${name.key} ${audio}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      known.asked = runtime.now();
      return known.muxer;
    }
    if (this.#byKey.size >= maxStreams) return undefined;
    const id = hex(runtime.crypto.random(6));
    const { onSegment } = this.#options;
    const muxer = new HlsMuxer({
      ...this.#options,
      prefix: id,
      format: this.ts ? TS : MP4,
      onSegment: (segment) => onSegment?.({ ...segment, stream: name, audio }),
    });
    const tap = frames.tap(name, { audio, fromKeyframe: true }, muxer);
    const running = { muxer, key, id, tap, asked: runtime.now() };
    this.#byKey.set(key, running);
    this.#byId.set(id, running);
    this.#timer ??= this.#sweepLater();
    return muxer;
  }

  /** The muxer that gave a resource its name. */
  find(id: string): HlsMuxer | undefined {
    const running = this.#byId.get(id);
    if (running !== undefined) running.asked = this.#options.runtime.now();
    return running?.muxer;
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
      const { muxer, asked } = running;
      const idle = now - asked;
      const nobody = !muxer.live && !muxer.begun;
      if (idle > this.#options.disposeMillis || (nobody && idle > NOBODY_MILLIS))
        this.#end(running);
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
