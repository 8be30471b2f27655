import { type Millis, NEVER } from "../../base/mod.ts";
import type { PairId } from "./ice_pairs.ts";

/** How long a connection may be a session's without a valid check. */
export const PROOF_MILLIS: Millis = 10_000;
/**
 * Such connections of one session: its ufrag goes over the wire in clear, so anybody may name it.
 */
export const MAX_UNPROVEN_PAIRS = 16;

/** Pairs on which nobody has shown the session's password, the oldest first. */
export class UnprovenPairs {
  readonly #due = new Map<PairId, Millis>();

  add(pair: PairId, now: Millis): void {
    this.#due.set(pair, now + PROOF_MILLIS);
  }

  delete(pair: PairId): void {
    this.#due.delete(pair);
  }

  /** One that has to go: its time is over, or there are too many. */
  pollExpired(now: Millis): PairId | undefined {
    for (const [pair, due] of this.#due) {
      if (due > now && this.#due.size <= MAX_UNPROVEN_PAIRS) return undefined;
      this.#due.delete(pair);
      return pair;
    }
    return undefined;
  }

  nextTimeout(): Millis {
    if (this.#due.size === 0) return NEVER;
    for (const due of this.#due.values()) return due;
    return NEVER;
  }
}
