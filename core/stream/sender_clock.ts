import type { Millis } from "../base/mod.ts";
import { difference32 } from "../wire/rtp/mod.ts";

/**
 * By how much the timestamps of two reports may differ from the time between them: so much, for pictures are not
 * taken evenly, and a share of it.
 */
const UNEVEN_MILLIS: Millis = 200;
const UNEVEN_SHARE = 0.05;

/**
 * A source's clock as its sender reports tell it (RFC 3550 §6.4.1).
 *
 * One whose timestamps do not go at the track's rate tells nothing, until two of them agree: GStreamer 1.22's
 * webrtcbin goes twice as fast when its pipeline has no latency set.
 */
export class SenderClock {
  /** When the last report was made, on our wall clock (ms since the Unix epoch). */
  at: number | undefined;
  /** The track's timestamp at that time. */
  timestamp = 0;
  /** Of the last report, believed or not. */
  #lastAt: number | undefined;
  #lastTimestamp = 0;

  /** `clockRate` is what `timestamp` counts in, per second. */
  report(at: number, timestamp: number, clockRate: number): void {
    const passed = at - (this.#lastAt ?? at);
    const told = (difference32(timestamp, this.#lastTimestamp) * 1000) / clockRate;
    const first = this.#lastAt === undefined;
    const even = first || Math.abs(told - passed) <= UNEVEN_MILLIS + passed * UNEVEN_SHARE;
    this.#lastAt = at;
    this.#lastTimestamp = timestamp;
    this.at = even ? at : undefined;
    this.timestamp = timestamp;
  }

  reset(): void {
    this.at = undefined;
    this.#lastAt = undefined;
  }
}
