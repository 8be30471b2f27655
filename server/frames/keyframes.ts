/** The last keyframe of a stream, for who makes an image of it. @module */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { Frame, FrameFormat, FrameSink, StreamName } from "../../core/stream/mod.ts";
import type { FrameSource } from "./mod.ts";

export interface Keyframe {
  readonly format: FrameFormat;
  readonly frame: Frame & { readonly data: Uint8Array<ArrayBuffer> };
}

/** Why there is none: no picture came in time, it is larger than is kept, or too many are asked for. */
export type NoKeyframe = "none" | "too-large" | "busy";

/** How long one is given to all who ask: a publisher by WebRTC is asked for one at most so often. */
export const FRESH_MILLIS: Millis = 5000;
/** How long one is waited for. */
export const PATIENCE_MILLIS: Millis = 3000;
/** Streams at a time whose keyframes are kept or waited for. */
export const MAX_STREAMS = 32;
/** Of one keyframe. */
export const KEYFRAME_MAX_BYTES: number = 2 * 1024 * 1024;

export interface KeyframesOptions {
  readonly runtime: Pick<Runtime, "now" | "wakeAt">;
  readonly frames: FrameSource;
}

/** Takes a stream's frames only until its next keyframe, or for as long as the patience lasts. */
export class Keyframes {
  readonly #options: KeyframesOptions;
  readonly #found = new Map<string, Promise<Keyframe | NoKeyframe>>();
  readonly #timers = new Set<Disposable>();
  #closed = false;

  constructor(options: KeyframesOptions) {
    this.#options = options;
  }

  /** Streams that are looked at or kept now. */
  get size(): number {
    return this.#found.size;
  }

  latest(name: StreamName): Promise<Keyframe | NoKeyframe> {
    const known = this.#found.get(name.key);
    if (known !== undefined) return known;
    if (this.#found.size >= MAX_STREAMS) return Promise.resolve("busy");
    const found = this.#take(name);
    this.#found.set(name.key, found);
    const forget = (): void => {
      if (this.#found.get(name.key) === found) this.#found.delete(name.key);
    };
    found.then((one) => {
      if (typeof one === "string" || this.#closed) forget();
      else this.#later(forget);
    }, forget);
    return found;
  }

  /** Nothing is kept, and no timer left. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
    this.#found.clear();
  }

  #later(forget: () => void): void {
    const { runtime } = this.#options;
    const timer = runtime.wakeAt(runtime.now() + FRESH_MILLIS, () => {
      this.#timers.delete(timer);
      forget();
    });
    this.#timers.add(timer);
  }

  async #take(name: StreamName): Promise<Keyframe | NoKeyframe> {
    const { runtime, frames } = this.#options;
    const { promise, resolve } = deferred<Keyframe | NoKeyframe>();
    const timer = runtime.wakeAt(runtime.now() + PATIENCE_MILLIS, () => resolve("none"));
    const tap = frames.tap(name, { audio: "source", fromKeyframe: true }, sinkFor(resolve));
    try {
      return await promise;
    } finally {
      timer[Symbol.dispose]();
      tap[Symbol.dispose]();
    }
  }
}

function sinkFor(found: (keyframe: Keyframe | NoKeyframe) => void): FrameSink {
  let format: FrameFormat | undefined;
  return {
    handleFormat: (told) => {
      if (told.kind === "video") format = told;
    },
    handleFrame: (frame) => {
      if (frame.kind !== "video" || !frame.keyframe || format === undefined) return;
      if (frame.data.length > KEYFRAME_MAX_BYTES) return found("too-large");
      // One copy for all who are sent it: they may take it slowly, and there may be many.
      found({ format, frame: { ...frame, data: Uint8Array.from(frame.data) } });
    },
    handleEnd: () => found("none"),
  };
}

interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred<Value>(): Deferred<Value> {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
