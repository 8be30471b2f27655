import type { Millis } from "../../core/base/mod.ts";

export interface RateLimitOptions {
  /** What may be done per second in the long run. */
  readonly perSecond: number;
  /** What may be done at once after a rest. Default: four seconds' worth. */
  readonly burst?: number;
  /** Addresses kept in mind. Default `ADDRESSES_MAX`. */
  readonly addresses?: number;
}

/** Beyond that the one that asked longest ago is forgotten. */
export const ADDRESSES_MAX = 16_384;
const BURST_SECONDS = 4;

interface Bucket {
  tokens: number;
  at: Millis;
}

/**
 * A token bucket per address. The table is bounded: who floods it from many addresses makes it
 * forget, which never refuses anybody more than his bucket would.
 */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #most: number;
  /** The one that asked longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimitOptions) {
    this.#perSecond = options.perSecond;
    this.#burst = Math.max(1, options.burst ?? options.perSecond * BURST_SECONDS);
    this.#most = options.addresses ?? ADDRESSES_MAX;
  }

  get addresses(): number {
    return this.#buckets.size;
  }

  /** Takes one token of `key`: 0 when there was one, else the ms until there will be. */
  take(key: string, now: Millis): Millis {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    const gained = ((now - bucket.at) / 1000) * this.#perSecond;
    bucket.tokens = Math.min(this.#burst, bucket.tokens + gained);
    bucket.at = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#most) this.#forgetOldest();
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return ((1 - bucket.tokens) / this.#perSecond) * 1000;
  }

  /** The ms until `take` would give one; takes none. */
  wait(key: string, now: Millis): Millis {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return 0;
    const missing = 1 - bucket.tokens;
    return Math.max(0, (missing / this.#perSecond) * 1000 - (now - bucket.at));
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }
}
