import type { Millis } from "../base/mod.ts";

const SLOTS = 256;

/** Which packets were sent again lately. */
export class RecentIndexes {
  readonly #index = new Float64Array(SLOTS).fill(-1);
  readonly #at = new Float64Array(SLOTS);

  /** Notes a repetition of `index`; false when the last one is not `apart` ms ago. */
  note(index: number, apart: Millis, now: Millis): boolean {
    const slot = ((index % SLOTS) + SLOTS) % SLOTS;
    if (this.#index[slot] === index && now - (this.#at[slot] ?? 0) < apart) return false;
    this.#index[slot] = index;
    this.#at[slot] = now;
    return true;
  }
}
