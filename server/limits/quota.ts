/** Which bound was met. */
export type Exceeded = "total" | "address";

export interface QuotaOptions {
  readonly total: number;
  readonly perAddress: number;
}

/**
 * Something there is so much of, in all and by address. Its table has no more entries than there
 * are things that are taken.
 */
export class Quota {
  readonly #options: QuotaOptions;
  readonly #byAddress = new Map<string, number>();
  #used = 0;

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  get used(): number {
    return this.#used;
  }

  usedBy(key: string): number {
    return this.#byAddress.get(key) ?? 0;
  }

  /** What would be exceeded by taking `amount` more; `undefined` when there is room. */
  exceeds(key: string, amount = 1): Exceeded | undefined {
    if (this.usedBy(key) + amount > this.#options.perAddress) return "address";
    return this.#used + amount > this.#options.total ? "total" : undefined;
  }

  /** Takes it, if there is room. */
  take(key: string, amount = 1): Exceeded | undefined {
    const exceeded = this.exceeds(key, amount);
    if (exceeded === undefined) this.add(key, amount);
    return exceeded;
  }

  /** Takes it in any case. */
  add(key: string, amount = 1): void {
    this.#used += amount;
    this.#byAddress.set(key, this.usedBy(key) + amount);
  }

  give(key: string, amount = 1): void {
    const left = this.usedBy(key) - amount;
    this.#used -= amount;
    if (left > 0) this.#byAddress.set(key, left);
    else this.#byAddress.delete(key);
  }
}
