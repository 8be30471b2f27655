import type { Millis } from "../base/mod.ts";

/** What may be spent: so much at once, and so much per ms on average. Full at first. */
export class TokenBucket {
  #tokens = Number.POSITIVE_INFINITY;
  #at: Millis = 0;
  #most: number;
  #perMilli: number;

  constructor(most: number, perMilli: number) {
    this.#most = most;
    this.#perMilli = perMilli;
  }

  /** Sets the bounds; what is there above the new one is gone. */
  limit(most: number, perMilli: number, now: Millis): void {
    this.#refill(now);
    this.#most = most;
    this.#perMilli = perMilli;
  }

  /** Spends `tokens` if they are there. */
  take(now: Millis, tokens = 1): boolean {
    this.#refill(now);
    if (this.#tokens < tokens) return false;
    this.#tokens -= tokens;
    return true;
  }

  #refill(now: Millis): void {
    const gained = Math.max(0, now - this.#at) * this.#perMilli;
    this.#tokens = Math.min(this.#most, this.#tokens + gained);
    this.#at = now;
  }
}
