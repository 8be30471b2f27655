import { type Millis, NEVER } from "../../base/mod.ts";

/**
 * A TCP connection or a UDP 5-tuple, numbered by the server; never used twice in a session for TCP.
 */
export type PairId = number;

export type Transport = "tcp" | "udp";

/**
 * A nominated pair on which nothing came for so long gives way to another valid one that is heard.
 *
 * A consent check goes out every 5 s, give or take a fifth (RFC 7675 §5.1): Firefox keeps to that,
 * Chromium checks the pair it uses every 2.5 s, and reports or media come between. So a pair in use is
 * not silent for so long, while one that lets nothing through any more is given up well before consent
 * ends. Chromium mostly nominates another one before: it takes a pair for dead after 2.5 s without
 * receiving or 5 s without answers. Firefox nominates once.
 */
export const SILENT_MILLIS: Millis = 7_000;

/**
 * A nominated pair gives way, too, when the peer's media or reports have come by another one for so
 * long: where he sends, there he listens. With UDP dead Chromium 156 turned to TCP after 4 s and said
 * so in the check that was due 2.5 s later.
 */
export const LEFT_MILLIS: Millis = 1_000;

/** A pair whose peer has shown the session's password. */
export interface Pair {
  readonly id: PairId;
  readonly transport: Transport;
  /** When its latest valid check came. */
  checkedAt: Millis;
  /** When anything of the peer last came by it: a check, a handshake packet, media. */
  heardAt: Millis;
  /** When media or reports of the peer last came by it; -Infinity for never. */
  mediaAt: Millis;
  /** When it was last nominated; -Infinity for never. */
  nominatedAt: Millis;
  /** Place in the order of all checks and handshake packets of the session. */
  heard: number;
  /** Place in that order of its latest USE-CANDIDATE; 0 when it was never nominated. */
  nominated: number;
  /** The latest ICE session it was checked in: one more with each restart. */
  generation: number;
  /** The one it was last nominated in. */
  nominatedIn: number;
}

/**
 * The valid pairs of one session, and which of them carries what we send: the most recently
 * nominated one that is neither silent nor left, or while there is none, the one last heard from.
 *
 * Recently, not first: Chromium keeps sending USE-CANDIDATE on the connection it uses (to a lite
 * peer on that one alone), so its latest nomination is where it listens, also after going back to
 * an older connection.
 */
export class Pairs {
  readonly #pairs = new Map<PairId, Pair>();
  #order = 0;
  /** The one media last came by. */
  #latest: Pair | undefined;

  get size(): number {
    return this.#pairs.size;
  }

  get(id: PairId): Pair | undefined {
    return this.#pairs.get(id);
  }

  /** Notes a valid check. */
  checked(id: PairId, transport: Transport, nominates: boolean, now: Millis, generation = 0): void {
    let pair = this.#pairs.get(id);
    if (pair === undefined) {
      const never = { heard: 0, nominated: 0, nominatedIn: 0 };
      const at = { checkedAt: now, heardAt: now, mediaAt: -Infinity, nominatedAt: -Infinity };
      pair = { id, transport, generation, ...at, ...never };
      this.#pairs.set(id, pair);
    }
    pair.checkedAt = now;
    pair.heardAt = now;
    pair.generation = Math.max(pair.generation, generation);
    this.#order += 1;
    pair.heard = this.#order;
    if (!nominates) return;
    pair.nominated = this.#order;
    pair.nominatedAt = now;
    pair.nominatedIn = Math.max(pair.nominatedIn, generation);
  }

  /** Notes a handshake packet. */
  heard(pair: Pair, now: Millis): void {
    this.#order += 1;
    pair.heard = this.#order;
    pair.heardAt = now;
  }

  /** Notes media or reports of the peer. */
  spoke(pair: Pair, now: Millis): void {
    pair.heardAt = now;
    pair.mediaAt = now;
    this.#latest = pair;
  }

  delete(id: PairId): boolean {
    if (this.#latest?.id === id) this.#latest = undefined;
    return this.#pairs.delete(id);
  }

  /** The one to send on; when all are silent, the one heard last. */
  best(now: Millis): PairId | undefined {
    let best: Pair | undefined;
    for (const pair of this.#pairs.values()) {
      if (best === undefined || this.#isBetter(pair, best, now)) best = pair;
    }
    return best?.id;
  }

  /** When this pair will have been silent too long; no matter when it has been, or is the only one. */
  silentAt(id: PairId | undefined, now: Millis): Millis {
    const pair = id === undefined || this.#pairs.size < 2 ? undefined : this.#pairs.get(id);
    return pair === undefined || this.#isSilent(pair, now) ? NEVER : pair.heardAt + SILENT_MILLIS;
  }

  /**
   * Which one to give up for a newcomer: the oldest never nominated, else the one nominated longest
   * ago.
   */
  leastWanted(newcomer: PairId): PairId | undefined {
    let found: Pair | undefined;
    for (const pair of this.#pairs.values()) {
      if (pair.id === newcomer) continue;
      if (found === undefined || pair.nominated < found.nominated) found = pair;
    }
    return found?.id;
  }

  /**
   * One pair without consent for `millis`. The sum is the one the timer was armed with: a
   * difference may come out a little smaller, and the timer would fire for nothing, for ever.
   */
  unchecked(millis: Millis, now: Millis): PairId | undefined {
    for (const pair of this.#pairs.values()) if (consentOf(pair) + millis <= now) return pair.id;
    return undefined;
  }

  /** The oldest of the pairs' latest consents, `undefined` without pairs. */
  oldestCheck(): Millis | undefined {
    let oldest: Millis | undefined;
    for (const pair of this.#pairs.values()) {
      oldest = Math.min(oldest ?? Number.POSITIVE_INFINITY, consentOf(pair));
    }
    return oldest;
  }

  /** Those whose checks belong to this ICE session, or to one before it. */
  *ofGeneration(number: number): Iterable<PairId> {
    for (const { id, generation } of this.#pairs.values()) if (generation <= number) yield id;
  }

  ids(): Iterable<PairId> {
    return this.#pairs.keys();
  }

  #isSilent(pair: Pair, now: Millis): boolean {
    if (pair.heardAt + SILENT_MILLIS <= now) return true;
    const latest = this.#latest;
    if (latest === undefined || latest === pair) return false;
    return Math.max(pair.nominatedAt, pair.mediaAt) + LEFT_MILLIS <= latest.mediaAt;
  }

  /** A nominated pair of a restarted ICE session is better than any of those before (RFC 8445 §9). */
  #isBetter(a: Pair, b: Pair, now: Millis): boolean {
    const silent = this.#isSilent(a, now);
    if (silent !== this.#isSilent(b, now)) return !silent;
    if (silent) return a.heardAt > b.heardAt;
    if (a.nominated > 0 && b.nominated > 0 && a.nominatedIn !== b.nominatedIn)
      return a.nominatedIn > b.nominatedIn;
    return a.nominated === b.nominated ? a.heard > b.heard : a.nominated > b.nominated;
  }
}

/**
 * When a pair's peer last agreed to be sent to: by a check, or by media or reports under the session's keys. libnice 0.1
 * (GStreamer) checks no more once it is connected, and sends indications in their place, which nobody can tell
 * from those of others.
 */
function consentOf({ checkedAt, mediaAt }: Pair): Millis {
  return Math.max(checkedAt, mediaAt);
}
