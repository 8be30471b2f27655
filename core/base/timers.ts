import { type Millis, NEVER } from "./machine.ts";

/** A fixed set of named timers. Every timer a session can ever arm is visible in its type. */
export class Timers<Name extends string> {
  readonly #due = new Map<Name, Millis>();

  arm(name: Name, at: Millis): void {
    this.#due.set(name, at);
  }

  stop(name: Name): void {
    this.#due.delete(name);
  }

  isArmed(name: Name): boolean {
    return this.#due.has(name);
  }

  /** Removes and returns one timer due at `now`, the earliest first. */
  expire(now: Millis): Name | undefined {
    let found: Name | undefined;
    let soonest = NEVER;
    for (const [name, at] of this.#due) {
      if (at <= now && at < soonest) {
        found = name;
        soonest = at;
      }
    }
    if (found !== undefined) this.#due.delete(found);
    return found;
  }

  next(): Millis {
    let soonest = NEVER;
    for (const at of this.#due.values()) soonest = Math.min(soonest, at);
    return soonest;
  }
}
