/**
 * Sender reports for viewers (RFC 3550 §6.4.1): the publisher's relation of RTP and NTP time, on
 * our clock, so that it goes on over a change of publisher.
 *
 * @module
 */
import type { Millis } from "../base/mod.ts";
import { ntpFromUnix, type SenderReport } from "../wire/rtcp/mod.ts";
import type { ViewerTrack } from "./viewer_track.ts";

/** A publisher's clock that moves by more against ours is believed anew. */
const MAX_STEP_MILLIS = 2000;

/**
 * One that has drifted away by more is followed by so many ms per ms: that moves all tracks alike,
 * and long before they would have to step.
 */
const DRIFT_MILLIS: Millis = 500;
const FOLLOW_RATE = 0.001;

/** Relates a publisher's wall clock to ours. Times are in ms since the Unix epoch. */
export class WallClock {
  readonly #atZero: number;
  /** Added to the publisher's time, once known. */
  #offset: number | undefined;
  #followedAt: Millis = 0;

  /** `atZero` is the wall clock's time when the `now` clock was 0. */
  constructor(atZero: number) {
    this.#atZero = atZero;
  }

  /** Another publisher, another clock. */
  reset(): void {
    this.#offset = undefined;
  }

  at(now: Millis): number {
    return this.#atZero + now;
  }

  /** A publisher's time on our clock; `stepped` when what was told before is void. */
  translate(theirs: number, now: Millis): { readonly ours: number; readonly stepped: boolean } {
    const ours = this.at(now);
    const known = this.#offset;
    const off = ours - theirs - (known ?? 0);
    const passed = Math.max(0, now - this.#followedAt);
    this.#followedAt = now;
    if (known !== undefined && Math.abs(off) <= MAX_STEP_MILLIS) {
      const drift = Math.max(0, Math.abs(off) - DRIFT_MILLIS);
      const offset = known + Math.sign(off) * Math.min(drift, passed * FOLLOW_RATE);
      this.#offset = offset;
      return { ours: theirs + offset, stepped: false };
    }
    this.#offset = ours - theirs;
    return { ours, stepped: known !== undefined };
  }
}

/**
 * A report for one viewer's track at `now`. `bySender` says whether all live tracks have a sender
 * report; until then all go by arrival, so that they stay aligned with each other.
 */
export function reportFor(
  viewer: ViewerTrack,
  clock: WallClock,
  bySender: boolean,
  now: Millis,
): SenderReport | undefined {
  const track = viewer.source;
  const { format, timeline } = track;
  if (viewer.stats.packets === 0 || format === undefined) return undefined;
  // Nothing of this source was sent yet, so nothing is known of its time.
  if (viewer.epoch !== track.epoch || viewer.highest < 0) return undefined;
  const known = bySender ? track.clock.at : undefined;
  const wall = clock.at(now);
  const passed = wall - (known ?? clock.at(timeline.at));
  const base = known === undefined ? timeline.timestamp : track.clock.timestamp;
  return {
    type: "sr",
    ssrc: viewer.options.ssrc,
    ntp: ntpFromUnix(wall),
    rtpTime: (base + viewer.timestampOffset + Math.round((passed * format.clockRate) / 1000)) >>> 0,
    packets: viewer.stats.packets >>> 0,
    octets: viewer.stats.octets >>> 0,
    blocks: [],
  };
}
