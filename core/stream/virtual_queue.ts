import type { Millis } from "../base/mod.ts";

/**
 * What would wait in front of a path that takes so much, were it to wait. On a path of datagrams
 * nothing queues at the sender, and what does not fit is lost.
 */
export class VirtualQueue {
  #bits = 0;
  #at: Millis = 0;

  /**
   * `bitrate` is in bits per second; with an infinite one nothing ever waits. No more waits than
   * `most` ms: an estimate that was too low is found out by trying again.
   */
  add(bytes: number, bitrate: number, most: Millis, now: Millis): void {
    this.#drain(bitrate, now);
    if (bitrate === Number.POSITIVE_INFINITY) return;
    this.#bits = Math.min(this.#bits + bytes * 8, (bitrate * most) / 1000);
  }

  /** How long a packet sent now would wait, in ms. */
  millis(bitrate: number, now: Millis): Millis {
    this.#drain(bitrate, now);
    return this.#bits === 0 ? 0 : (this.#bits / bitrate) * 1000;
  }

  clear(): void {
    this.#bits = 0;
  }

  #drain(bitrate: number, now: Millis): void {
    const passed = Math.max(0, now - this.#at);
    this.#at = now;
    if (bitrate === Number.POSITIVE_INFINITY) this.#bits = 0;
    else this.#bits = Math.max(0, this.#bits - (bitrate * passed) / 1000);
  }
}
