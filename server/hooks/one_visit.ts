import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { Traffic, Visit } from "./visit.ts";

/** What hooks are told when a visitor leaves. */
export interface Leaving {
  /** He publishes or plays no more. */
  readonly ended: () => void;
  readonly closed: (traffic: Traffic) => void;
}

export interface OneVisitOptions {
  readonly id: string;
  readonly action: "publish" | "play";
  readonly leaving: Leaving;
}

const NOTHING: Traffic = { sentBytes: 0, receivedBytes: 0 };

/**
 * One visitor from the first question to the end. As with SRS `on_stop` is told of everybody who was
 * let in to play, and `on_unpublish` of who did publish alone: the stream may be another's.
 */
export class OneVisit implements Visit {
  readonly id: string;
  readonly #options: OneVisitOptions;
  #timer: Disposable | undefined;
  #begun = false;
  #over = false;
  #onBegan: () => void = () => {};
  /** Whether the hooks for all clients let him in, and so those for what he wants. */
  connected = false;
  entered = false;

  constructor(options: OneVisitOptions) {
    this.#options = options;
    this.id = options.id;
  }

  /** He has so long to begin. */
  await(runtime: Pick<Runtime, "now" | "wakeAt">, millis: Millis, onBegan: () => void): void {
    this.#onBegan = onBegan;
    this.#timer = runtime.wakeAt(runtime.now() + millis, () => this.left());
  }

  began(): void {
    if (this.#begun || this.#over) return;
    this.#begun = true;
    this.#timer?.[Symbol.dispose]();
    this.#onBegan();
  }

  left(traffic: Traffic = NOTHING): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
    const { action, leaving } = this.#options;
    if (this.entered && (this.#begun || action === "play")) leaving.ended();
    if (this.connected) leaving.closed(traffic);
  }
}
