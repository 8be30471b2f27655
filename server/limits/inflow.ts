/** How much one client of media may send us: bytes and packets, averaged over some seconds. @module */
import type { Millis } from "../../core/base/mod.ts";
import type { LimitsConfig } from "../config/limits.ts";
import { addressKey } from "./address_key.ts";
import { ADDRESSES_MAX } from "./rate_limit.ts";

export interface InflowBounds {
  /** In kbit/s; 0: none. */
  readonly bitrate: number;
  /** Packets of WebRTC or messages of RTMP, per second; 0: none. */
  readonly packets: number;
}

export function inflowBounds(config: LimitsConfig): InflowBounds {
  return {
    bitrate: config["limits.publisher_bitrate"],
    packets: config["limits.publisher_packets"],
  };
}

/** The setting that says no. */
export type InflowLimit = "limits.publisher_bitrate" | "limits.publisher_packets";

/**
 * What may come at once, in seconds of the bound: a keyframe, or what an encoder has kept while it
 * had no connection.
 */
export const BURST_SECONDS = 5;
/** Whoever is held back for so long, without a break, is to be ended. */
export const HELD_MAX_MILLIS: Millis = 10_000;
/** A break of so long: what came was within the bounds. */
export const CALM_MILLIS: Millis = 1000;
/** Reads in between cost more than they bring. */
const WAIT_MIN_MILLIS: Millis = 5;

export interface InflowsOptions {
  readonly bounds: InflowBounds;
  readonly now: () => Millis;
}

/** What is told of one of them. */
export interface InflowEvents {
  /** Held back from now on, after a while in which he was not. */
  readonly onHeld: (limit: InflowLimit) => void;
  /** Held back for `HELD_MAX_MILLIS`. Once. */
  readonly onExceeded: (limit: InflowLimit) => void;
}

/**
 * The inflows there are. Who leaves with an empty bucket and comes again, under whatever name, does
 * not find a full one: what was missing is kept in mind by address for as long as it takes to
 * refill.
 */
export class Inflows {
  readonly #options: InflowsOptions;
  /** When the bucket of the last one who left would be full; the oldest entry comes first. */
  readonly #fullAt = new Map<string, Millis>();

  constructor(options: InflowsOptions) {
    this.#options = options;
  }

  get addresses(): number {
    return this.#fullAt.size;
  }

  /** `undefined` when nothing is bounded. */
  begin(address: string, events: InflowEvents): Inflow | undefined {
    const { bounds, now } = this.#options;
    if (bounds.bitrate === 0 && bounds.packets === 0) return undefined;
    const missing = ((this.#fullAt.get(addressKey(address)) ?? 0) - now()) / 1000;
    return new Inflow(bounds, Math.max(0, missing), events, now());
  }

  /** The client is gone. */
  end(address: string, inflow: Inflow | undefined): void {
    if (inflow === undefined) return;
    const now = this.#options.now();
    const key = addressKey(address);
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, inflow.fullAt(now));
    this.#fullAt.delete(key);
    if (fullAt <= now) return;
    this.#fullAt.set(key, fullAt);
    if (this.#fullAt.size <= ADDRESSES_MAX) return;
    const [oldest = ""] = this.#fullAt.keys();
    this.#fullAt.delete(oldest);
  }
}

/** Of one client. */
export class Inflow {
  readonly #bytes: Allowance;
  readonly #packets: Allowance;
  readonly #events: InflowEvents;
  #heldSince: Millis = Number.NEGATIVE_INFINITY;
  #heldUntil: Millis = Number.NEGATIVE_INFINITY;
  #limit: InflowLimit = "limits.publisher_bitrate";
  #exceeded = false;

  /** `missingSeconds` of the bound are spent already. */
  constructor(bounds: InflowBounds, missingSeconds: number, events: InflowEvents, now: Millis) {
    const left = BURST_SECONDS - Math.min(missingSeconds, BURST_SECONDS);
    this.#bytes = new Allowance((bounds.bitrate * 1000) / 8, left, now);
    this.#packets = new Allowance(bounds.packets, left, now);
    this.#events = events;
  }

  /** Counts what was read. For so long nothing more should be; 0: go on. */
  take(bytes: number, packets: number, now: Millis): Millis {
    this.#bytes.spend(bytes, now);
    this.#packets.spend(packets, now);
    const limit = this.#empty(now);
    if (limit === undefined) return 0;
    const wait = Math.max(this.#bytes.wait, this.#packets.wait, WAIT_MIN_MILLIS);
    const held = Math.min(wait, HELD_MAX_MILLIS);
    this.#hold(limit, now, now + held);
    return held;
  }

  /** Whether what has come is not even to be looked at, as a datagram, which nobody can hold back. */
  refuses(now: Millis): boolean {
    const limit = this.#empty(now);
    if (limit !== undefined) this.#hold(limit, now, now);
    return limit !== undefined;
  }

  /** Set once he was held back for `HELD_MAX_MILLIS`. */
  get exceeded(): InflowLimit | undefined {
    return this.#exceeded ? this.#limit : undefined;
  }

  /** What he does wrong, in words; empty while he does not. */
  trouble(now: Millis): string {
    if (now - this.#heldUntil > CALM_MILLIS) return "";
    return `it sends more than ${this.#limit} allows, and is held back`;
  }

  /** When both buckets are full again. */
  fullAt(now: Millis): Millis {
    return now + 1000 * Math.max(this.#bytes.missing(now), this.#packets.missing(now));
  }

  #empty(now: Millis): InflowLimit | undefined {
    if (this.#bytes.isEmpty(now)) return "limits.publisher_bitrate";
    return this.#packets.isEmpty(now) ? "limits.publisher_packets" : undefined;
  }

  #hold(limit: InflowLimit, now: Millis, until: Millis): void {
    this.#limit = limit;
    const begins = now - this.#heldUntil > CALM_MILLIS;
    if (begins) this.#heldSince = now;
    this.#heldUntil = until;
    if (begins) this.#events.onHeld(limit);
    if (this.#exceeded || now - this.#heldSince < HELD_MAX_MILLIS) return;
    this.#exceeded = true;
    this.#events.onExceeded(limit);
  }
}

/** A token bucket that may be overdrawn: what was read is there. */
class Allowance {
  readonly #perMilli: number;
  #left: number;
  #at: Millis;

  /** `perSecond` 0: without a bound. */
  constructor(perSecond: number, leftSeconds: number, now: Millis) {
    this.#perMilli = perSecond / 1000;
    this.#left = perSecond * leftSeconds;
    this.#at = now;
  }

  spend(amount: number, now: Millis): void {
    this.#refill(now);
    this.#left -= amount;
  }

  isEmpty(now: Millis): boolean {
    this.#refill(now);
    return this.#left < 0 && this.#perMilli > 0;
  }

  /** Until it is not overdrawn any more. */
  get wait(): Millis {
    return this.#left < 0 && this.#perMilli > 0 ? -this.#left / this.#perMilli : 0;
  }

  /** Until it is full, in seconds. */
  missing(now: Millis): number {
    if (this.#perMilli === 0) return 0;
    this.#refill(now);
    return BURST_SECONDS - this.#left / (1000 * this.#perMilli);
  }

  #refill(now: Millis): void {
    const most = this.#perMilli * 1000 * BURST_SECONDS;
    this.#left = Math.min(most, this.#left + (now - this.#at) * this.#perMilli);
    this.#at = now;
  }
}
