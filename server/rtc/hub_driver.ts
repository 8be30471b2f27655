import { type Millis, NEVER, type Runtime } from "../../core/base/mod.ts";
import type { Hub, HubEvent } from "../../core/stream/mod.ts";

/** Hands out the hub's events and calls it when it is due: one timer for all streams. */
export class HubDriver {
  readonly #hub: Hub;
  readonly #runtime: Runtime;
  readonly #handle: (event: HubEvent) => void;
  #timer: Disposable | undefined;
  #timerAt: Millis = NEVER;
  #draining = false;

  constructor(hub: Hub, runtime: Runtime, handle: (event: HubEvent) => void) {
    this.#hub = hub;
    this.#runtime = runtime;
    this.#handle = handle;
  }

  /**
   * Does what the hub's events ask for. To be called when the hub has returned from what it was
   * told, never from the middle of its work: ending a session there would change what it walks.
   */
  drain(): void {
    if (this.#draining) return; // an event ended a session, whose last turn led here
    this.#draining = true;
    try {
      for (let event = this.#hub.pollEvent(); event !== undefined; event = this.#hub.pollEvent()) {
        this.#handle(event);
      }
    } finally {
      this.#draining = false;
    }
    this.#schedule();
  }

  close(): void {
    this.#timer?.[Symbol.dispose]();
  }

  #schedule(): void {
    const due = this.#hub.nextTimeout();
    if (due >= this.#timerAt) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerAt = due;
    this.#timer = this.#runtime.wakeAt(due, () => {
      this.#timerAt = NEVER;
      this.#hub.handleTimeout(this.#runtime.now());
      this.drain();
    });
  }
}
