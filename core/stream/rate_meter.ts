import type { Millis } from "../base/mod.ts";

const WINDOW_SECONDS = 30;

/** Sums per second over the last 30 seconds. */
export class RateMeter {
  readonly #buckets = new Float64Array(WINDOW_SECONDS + 1);
  /** The second that the newest bucket counts. */
  #second = -1;
  /** When the first value came in. */
  #since: Millis = 0;

  add(value: number, now: Millis): void {
    const second = this.#turn(now);
    const at = second % this.#buckets.length;
    this.#buckets[at] = (this.#buckets[at] ?? 0) + value;
  }

  /** Per second over the last `seconds` (at most 30), or over the time since the first value. */
  perSecond(now: Millis, seconds: number = WINDOW_SECONDS): number {
    if (this.#second < 0) return 0;
    const second = this.#turn(now);
    const window = Math.min(seconds, WINDOW_SECONDS);
    let sum = 0;
    for (let back = 0; back <= window && back <= second; back++) {
      sum += this.#buckets[(second - back) % this.#buckets.length] ?? 0;
    }
    const spans = (now - (second - window) * 1000) / 1000;
    return sum / Math.max(1, Math.min(spans, (now - this.#since) / 1000));
  }

  #turn(now: Millis): number {
    const second = Math.max(Math.floor(now / 1000), this.#second, 0);
    if (this.#second < 0) this.#since = now;
    const fresh = Math.min(second - this.#second, this.#buckets.length);
    for (let i = 0; i < fresh; i++) this.#buckets[(second - i) % this.#buckets.length] = 0;
    this.#second = second;
    return second;
  }
}
