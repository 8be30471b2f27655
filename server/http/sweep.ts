/**
 * One timer for the deadlines of all connections: a timer each would cost more than looking at
 * thousands of them a few times per second.
 *
 * @module
 */
import { type Millis, NEVER, type Runtime } from "../../core/base/mod.ts";

/** The least time between two sweeps. */
export const SWEEP_MILLIS: Millis = 100;

export interface Swept {
  /** Does what is due at `now`; returns when it wants to be called next, or `NEVER`. */
  sweep(now: Millis): Millis;
}

export class Sweeper {
  readonly #runtime: Pick<Runtime, "now" | "wakeAt">;
  readonly #members = new Set<Swept>();
  #wakeAt: Millis = NEVER;
  #timer: Disposable | undefined;

  constructor(runtime: Pick<Runtime, "now" | "wakeAt">) {
    this.#runtime = runtime;
  }

  add(member: Swept): void {
    this.#members.add(member);
  }

  remove(member: Swept): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#wakeAt = NEVER;
  }

  /** Some member wants to be swept at `at`. A sweep that was planned earlier stays. */
  schedule(at: Millis): void {
    if (at >= this.#wakeAt || at === NEVER) return;
    this.#timer?.[Symbol.dispose]();
    this.#wakeAt = Math.max(at, this.#runtime.now() + SWEEP_MILLIS / 10);
    this.#timer = this.#runtime.wakeAt(this.#wakeAt, () => this.#sweep());
  }

  #sweep(): void {
    const now = this.#runtime.now();
    // Members that schedule during the sweep are covered by its end.
    this.#wakeAt = Number.NEGATIVE_INFINITY;
    let next = NEVER;
    for (const member of this.#members) next = Math.min(next, member.sweep(now));
    this.#wakeAt = NEVER;
    if (this.#members.size > 0) this.schedule(Math.max(next, now + SWEEP_MILLIS));
  }
}
