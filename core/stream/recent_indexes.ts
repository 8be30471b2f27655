import type { Millis } from "../base/mod.ts";

const SLOTS = 256;

/** Which packets were sent again lately. */
export class RecentIndexes {
  readonly #index = new Float64Array(SLOTS).fill(-1);
  readonly #at = new Float64Array(SLOTS);

  /** Whether the last repetition of `index` is `apart` ms ago, if any is known. */
  isDue(index: number, apart: Millis, now: Millis): boolean {
    const slot = slotOf(index);
    return this.#index[slot] !== index || now - (this.#at[slot] ?? 0) >= apart;
  }

  note(index: number, now: Millis): void {
    const slot = slotOf(index);
    this.#index[slot] = index;
    this.#at[slot] = now;
  }
}

function slotOf(index: number): number {
  return ((index % SLOTS) + SLOTS) % SLOTS;
}
