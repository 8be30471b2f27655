import type { Millis, Runtime } from "../../core/base/mod.ts";
import { FlvCast, type Framing } from "../../core/egress/flv/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import type { FrameSource } from "../frames/mod.ts";
import type { Viewer } from "./viewer.ts";

/** How often it is looked who makes no progress. */
const LOOK_MILLIS: Millis = 1000;

export interface BroadcastOptions {
  readonly runtime: Pick<Runtime, "now" | "wakeAt">;
  readonly frames: FrameSource;
  readonly name: StreamName;
  readonly audio: "aac" | "opus";
  /** How onMetaData names us. */
  readonly server: string;
  readonly mergeMillis: Millis;
  readonly lagMillis: Millis;
  /** Whether viewers begin with the last keyframe. */
  readonly gopCache: boolean;
  readonly onEnded: (viewer: Viewer, reason: "no-media" | "no-progress") => void;
}

/** One stream with one kind of sound, for all who watch that: made while there are any. */
export class Broadcast {
  readonly #options: BroadcastOptions;
  readonly #cast: FlvCast;
  readonly #viewers = new Set<Viewer>();
  readonly #tap: Disposable;
  #flushTimer: Disposable | undefined;
  #lookTimer: Disposable;

  constructor(options: BroadcastOptions) {
    this.#options = options;
    const { frames, name, audio, server, lagMillis, gopCache } = options;
    this.#cast = new FlvCast({
      server,
      opus: audio === "opus",
      lagMillis,
      gopCache,
      onPending: () => this.#plan(),
    });
    this.#lookTimer = this.#lookLater();
    this.#tap = frames.tap(name, { audio, fromKeyframe: gopCache }, this.#cast);
  }

  get size(): number {
    return this.#viewers.size;
  }

  get waiting(): number {
    let waiting = 0;
    for (const viewer of this.#viewers) if (viewer.waits) waiting++;
    return waiting;
  }

  get keptBytes(): number {
    return this.#cast.keptBytes;
  }

  place(framing: Framing): ReturnType<FlvCast["join"]> {
    return this.#cast.join(framing);
  }

  /** He gets the last group of pictures at once. */
  add(viewer: Viewer): void {
    this.#viewers.add(viewer);
    viewer.feed(this.#cast, this.#options.runtime.now());
  }

  remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
  }

  close(): void {
    this.#tap[Symbol.dispose]();
    this.#flushTimer?.[Symbol.dispose]();
    this.#lookTimer[Symbol.dispose]();
  }

  #plan(): void {
    if (this.#flushTimer !== undefined) return;
    const { runtime, mergeMillis } = this.#options;
    this.#flushTimer = runtime.wakeAt(runtime.now() + mergeMillis, () => this.#flush());
  }

  #flush(): void {
    this.#flushTimer = undefined;
    const now = this.#options.runtime.now();
    this.#cast.flush(now);
    for (const viewer of this.#viewers) viewer.feed(this.#cast, now);
    this.#cast.trim(this.#places(), now);
  }

  *#places(): Generator<Viewer["place"]> {
    for (const { place } of this.#viewers) yield place;
  }

  #lookLater(): Disposable {
    const { runtime } = this.#options;
    return runtime.wakeAt(runtime.now() + LOOK_MILLIS, () => {
      this.#lookTimer = this.#lookLater();
      const now = runtime.now();
      for (const viewer of this.#viewers) {
        const reason = viewer.check(now);
        if (reason === undefined) continue;
        this.#options.onEnded(viewer, reason);
        if (reason === "no-media") viewer.end();
        else viewer.destroy();
      }
    });
  }
}
