import type { Millis, Runtime } from "../../core/base/mod.ts";
import { RateMeter, type StreamName } from "../../core/stream/mod.ts";

/** A viewer who gets nothing, or takes nothing, for so long is closed. */
export const NO_PROGRESS_MILLIS: Millis = 15_000;

/** Where a viewer's bytes go. */
export interface Outlet {
  /** Bytes that the kernel has not taken yet. */
  readonly buffered: number;
  /** False when more are queued than is good: `Viewer.drained` is called later. */
  write(bytes: Uint8Array): boolean;
  /** The stream is over: says so and closes. */
  end(): void;
  destroy(): void;
}

/** Where his bytes come from. */
export interface Source {
  /** Whether he has got anything yet. */
  readonly begun: boolean;
  readonly droppedFrames: number;
  /** What he is to be sent next; `undefined` until there is more. */
  poll(now: Millis): Uint8Array | undefined;
}

/** What he gets. */
export type Format = "flv" | "ts" | "aac";

export interface ViewerFacts {
  readonly id: string;
  readonly name: StreamName;
  readonly address: string;
  /** As of SRS, who tells all by HTTP as the first. */
  readonly type: "flv-play" | "rtmp-play";
  readonly format: Format;
  readonly since: Millis;
}

export class Viewer {
  readonly facts: ViewerFacts;
  readonly #source: Source;
  readonly #outlet: Outlet;
  readonly #runtime: Pick<Runtime, "now">;
  readonly #leave: (viewer: Viewer) => void;
  #blocked = false;
  #flushed = 0;
  #progressAt: Millis;
  readonly rate: RateMeter = new RateMeter();
  sentBytes = 0;
  gone = false;

  constructor(
    facts: ViewerFacts,
    source: Source,
    outlet: Outlet,
    runtime: Pick<Runtime, "now">,
    leave: (viewer: Viewer) => void,
  ) {
    this.facts = facts;
    this.#source = source;
    this.#outlet = outlet;
    this.#leave = leave;
    this.#runtime = runtime;
    this.#progressAt = facts.since;
  }

  /** Whether he waits for the stream's first picture. */
  get waits(): boolean {
    return !this.#source.begun;
  }

  get droppedFrames(): number {
    return this.#source.droppedFrames;
  }

  /** Sends what there is for him, as far as he takes it. */
  feed(now: Millis): void {
    while (!this.#blocked && !this.gone) {
      const bytes = this.#source.poll(now);
      if (bytes === undefined) return;
      this.sentBytes += bytes.length;
      this.rate.add(bytes.length, now);
      if (!this.#outlet.write(bytes)) this.#blocked = true;
    }
  }

  /** Queued bytes are with the kernel. */
  drained(): void {
    this.#blocked = false;
    this.feed(this.#runtime.now());
  }

  /** Why he is to be closed, if he is. */
  check(now: Millis): "no-media" | "no-progress" | undefined {
    const { buffered } = this.#outlet;
    const flushed = this.sentBytes - buffered;
    if (flushed > this.#flushed) {
      this.#flushed = flushed;
      this.#progressAt = now;
    }
    if (now - this.#progressAt < NO_PROGRESS_MILLIS) return undefined;
    return buffered > 0 ? "no-progress" : "no-media";
  }

  /** Says goodbye, and closes. */
  end(): void {
    if (this.gone) return;
    this.leave();
    this.#outlet.end();
  }

  destroy(): void {
    if (this.gone) return;
    this.leave();
    this.#outlet.destroy();
  }

  /** The connection is gone. Harmless twice. */
  leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.#leave(this);
  }
}
