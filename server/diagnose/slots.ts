/** How many tests run at a time, over all and per address. @module */
import { addressKey } from "../limits/address_key.ts";

/** A visitor runs one test after another; the second is for another tab, or his neighbour. */
export const TESTS_PER_ADDRESS = 2;

/** Held while a test runs; `release` may be called twice. */
export interface Slot {
  release(): void;
}

export class Slots {
  readonly #most: number;
  readonly #byAddress = new Map<string, number>();
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get taken(): number {
    return this.#taken;
  }

  /** A slot for this address, or the bound that says no, by name. */
  take(address: string): Slot | string {
    const key = addressKey(address);
    const own = this.#byAddress.get(key) ?? 0;
    if (own >= TESTS_PER_ADDRESS)
      return `${TESTS_PER_ADDRESS} tests of ${address} are under way already`;
    if (this.#taken >= this.#most)
      return `${this.#most} tests are under way already (diagnose.max_tests)`;
    this.#taken++;
    this.#byAddress.set(key, own + 1);
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#taken--;
        const left = (this.#byAddress.get(key) ?? 1) - 1;
        if (left > 0) this.#byAddress.set(key, left);
        else this.#byAddress.delete(key);
      },
    };
  }
}
