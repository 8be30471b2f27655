/**
 * Requests by turns of the event loop, so that whoever sends thousands at once (on one connection,
 * one behind the other, or on many) does not keep media and other clients from theirs.
 *
 * @module
 */
import type { Millis, Runtime } from "../../core/base/mod.ts";

/** Requests of one address that begin in one turn. */
export const REQUESTS_PER_TURN = 16;
/** Those of all. */
export const ALL_REQUESTS_PER_TURN = 128;
/** After so long none begins any more: some cost more than others. */
export const TURN_MILLIS: Millis = 5;

interface Asking {
  /** Those that may still begin in this turn. */
  left: number;
  readonly waiting: (() => void)[];
}

export class Turns {
  readonly #runtime: Pick<Runtime, "now" | "wakeAt">;
  /** Who asked in this turn, or waits; who was served last comes last. */
  readonly #asking = new Map<unknown, Asking>();
  #left = ALL_REQUESTS_PER_TURN;
  #until: Millis = 0;
  #timer: Disposable | undefined;

  constructor(runtime: Pick<Runtime, "now" | "wakeAt">) {
    this.#runtime = runtime;
  }

  /** Calls `begin` now or in a later turn. `key`: whose turn it takes. */
  take(key: unknown, begin: () => void): void {
    let one = this.#asking.get(key);
    if (one === undefined) {
      one = { left: REQUESTS_PER_TURN, waiting: [] };
      this.#asking.set(key, one);
      if (this.#timer === undefined) this.#next();
    }
    if (one.left === 0 || !this.#goesOn) {
      one.waiting.push(begin);
      return;
    }
    one.left--;
    this.#left--;
    begin();
  }

  close(): void {
    this.#timer?.[Symbol.dispose]();
  }

  get #goesOn(): boolean {
    return this.#left > 0 && this.#runtime.now() < this.#until;
  }

  /** The turn that begins now ends when the loop has come round. */
  #next(): void {
    const now = this.#runtime.now();
    this.#left = ALL_REQUESTS_PER_TURN;
    this.#until = now + TURN_MILLIS;
    this.#timer = this.#runtime.wakeAt(now, () => this.#turn());
  }

  #turn(): void {
    this.#timer = undefined;
    for (const [key, one] of this.#asking) if (one.waiting.length === 0) this.#asking.delete(key);
    if (this.#asking.size === 0) return;
    this.#next();
    for (const [key, one] of [...this.#asking]) {
      if (!this.#goesOn) break;
      this.#asking.delete(key);
      this.#asking.set(key, one);
      one.left = REQUESTS_PER_TURN;
      this.#serve(one);
    }
  }

  #serve(one: Asking): void {
    let served = 0;
    while (served < one.waiting.length && one.left > 0 && this.#goesOn) {
      one.left--;
      this.#left--;
      one.waiting[served++]?.();
    }
    one.waiting.splice(0, served);
  }
}
