import type { Millis } from "../base/mod.ts";

/** Sender reports that can still be answered. */
const SLOTS = 8;

/** When sender reports went out, for the round trip (RFC 3550 §6.4.1, figure 2). */
export class SentReports {
  readonly #ntp = new Uint32Array(SLOTS);
  readonly #at = new Float64Array(SLOTS);
  #count = 0;

  /** `ntp` are the middle 32 bits of a report's NTP time. */
  sent(ntp: number, now: Millis): void {
    const slot = this.#count++ % SLOTS;
    this.#ntp[slot] = ntp;
    this.#at[slot] = now;
  }

  /**
   * From a report block's LSR and DLSR (in 1/65536 s); `undefined` when it names no report of ours
   * that is known, or one that was answered before it went.
   */
  roundTrip(lastSr: number, delaySinceLastSr: number, now: Millis): Millis | undefined {
    if (lastSr === 0) return undefined;
    const slot = this.#ntp.lastIndexOf(lastSr);
    if (slot < 0) return undefined;
    const roundTrip = now - (this.#at[slot] ?? now) - (delaySinceLastSr / 65_536) * 1000;
    return roundTrip < 0 ? undefined : roundTrip;
  }
}
