import { type Millis, NEVER } from "../../../base/mod.ts";
import { encodeRtcp, type Nack } from "../../../wire/rtcp/mod.ts";

/**
 * A hole is asked for only after so long: packets overtake each other when media moves to another
 * connection, and on the way. It is longer where they are seen to overtake by more.
 */
export const REORDER_MILLIS: Millis = 10;
export const MAX_REORDER_MILLIS: Millis = 50;
/** Holes of one source; with more, nothing is asked for but a keyframe. */
export const MAX_MISSING: number = 512;
export const MAX_TRIES: number = 10;
/** After so long a hole is given up: viewers have been waiting for it all the time. */
export const GIVE_UP_MILLIS: Millis = 1_000;
/** Sequence numbers in one packet, each of which may need 4 bytes; more go into the next. */
export const MAX_NACKED: number = 250;
export const MAX_NACK_SOURCES: number = 32;
/** Bounds between two requests for the same packet; the round trip decides within them. */
const MIN_RETRY_MILLIS = 20;
const MAX_RETRY_MILLIS = 500;
/** Until a retransmission has shown the round trip. */
const FIRST_ROUND_TRIP_MILLIS = 100;
/**
 * Holes that may be opened per second, and as many as `MAX_MISSING` at once: who jumps in his
 * numbers costs no more than one who loses a third of 8 Mbit/s.
 */
export const HOLES_PER_SECOND: number = 400;

interface Missing {
  readonly index: number;
  readonly since: Millis;
  tries: number;
  firstAskedAt: Millis;
  askedAt: Millis;
  due: Millis;
}

interface Source {
  readonly ssrc: number;
  highest: number;
  /** Ascending, as holes are only found behind the highest. */
  readonly missing: Map<number, Missing>;
}

export interface NackGeneratorOptions {
  /** Our SSRC. */
  readonly senderSsrc: number;
  /** Default `REORDER_MILLIS`. */
  readonly reorderMillis?: Millis;
  /** Default `GIVE_UP_MILLIS`. */
  readonly giveUpMillis?: Millis;
}

/**
 * Asks a publisher for the packets that are missing (RFC 4585 §6.2.1). Holes happen over TCP too:
 * a sender whose socket is full drops packets before it sends them.
 */
export class NackGenerator {
  readonly #senderSsrc: number;
  readonly #reorderMillis: Millis;
  readonly #giveUpMillis: Millis;
  readonly #sources = new Map<number, Source>();
  readonly #lost = new Set<number>();
  #roundTrip: Millis = FIRST_ROUND_TRIP_MILLIS;
  #answers = 0;
  #reorder: Millis;
  /** Holes that may be opened now. */
  #credit = MAX_MISSING;
  #creditAt: Millis = 0;
  #due: Millis = NEVER;

  constructor(options: NackGeneratorOptions) {
    this.#senderSsrc = options.senderSsrc;
    this.#reorderMillis = options.reorderMillis ?? REORDER_MILLIS;
    this.#reorder = this.#reorderMillis;
    this.#giveUpMillis = options.giveUpMillis ?? GIVE_UP_MILLIS;
  }

  /** Estimated from how fast retransmissions came, in ms. */
  get roundTrip(): Millis {
    return this.#roundTrip;
  }

  /** How long a hole is waited for before it is asked for, in ms. */
  get reordering(): Millis {
    return this.#reorder;
  }

  /** Holes that are being asked for. */
  missing(ssrc: number): number {
    return this.#sources.get(ssrc)?.missing.size ?? 0;
  }

  /**
   * A packet of a media SSRC came, or with `repaired` was unwrapped from its retransmission. `index`
   * is the extended one (rollover counter << 16 | sequence number).
   */
  handlePacket(ssrc: number, index: number, now: Millis, repaired = false): void {
    const source = this.#sources.get(ssrc);
    if (source === undefined) {
      if (this.#sources.size < MAX_NACK_SOURCES) {
        this.#sources.set(ssrc, { ssrc, highest: index, missing: new Map() });
      }
    } else if (index === source.highest + 1) {
      source.highest = index;
    } else if (index > source.highest) {
      this.#open(source, index, now);
    } else if (source.missing.size > 0) {
      this.#fill(source, index, repaired, now);
    }
  }

  /** A keyframe begins at `index`: what is missing before it is of no use any more. */
  handleKeyframe(ssrc: number, index: number): void {
    const source = this.#sources.get(ssrc);
    if (source === undefined) return;
    for (const missing of source.missing.keys()) {
      if (missing >= index) break;
      source.missing.delete(missing);
    }
  }

  remove(ssrc: number): void {
    this.#sources.delete(ssrc);
    this.#lost.delete(ssrc);
  }

  nextTimeout(): Millis {
    return this.#due;
  }

  /** Requests that are due, for all sources in one packet; more may follow. Then ask `pollLost`. */
  poll(now: Millis): Uint8Array | undefined {
    if (now < this.#due) return undefined;
    this.#due = NEVER;
    const nacks: Nack[] = [];
    let room = MAX_NACKED;
    for (const source of this.#sources.values()) {
      const lost = this.#ask(source, room, now);
      room -= lost.length;
      if (lost.length === 0) continue;
      nacks.push({
        type: "nack",
        senderSsrc: this.#senderSsrc,
        mediaSsrc: source.ssrc,
        lost,
      });
    }
    return nacks.length > 0 ? encodeRtcp(nacks) : undefined;
  }

  /** An SSRC that lost packets for good, each time once: it wants a keyframe. */
  pollLost(): number | undefined {
    for (const ssrc of this.#lost) {
      this.#lost.delete(ssrc);
      return ssrc;
    }
    return undefined;
  }

  #open(source: Source, index: number, now: Millis): void {
    const first = source.highest + 1;
    const count = index - first;
    source.highest = index;
    this.#credit = Math.min(
      MAX_MISSING,
      this.#credit + ((now - this.#creditAt) * HOLES_PER_SECOND) / 1000,
    );
    this.#creditAt = now;
    if (source.missing.size + count > MAX_MISSING || count > this.#credit) {
      source.missing.clear();
      this.#lost.add(source.ssrc);
      return;
    }
    this.#credit -= count;
    const due = now + this.#reorder;
    for (let hole = first; hole < index; hole++) {
      const asked = { tries: 0, firstAskedAt: 0, askedAt: 0 };
      source.missing.set(hole, { index: hole, since: now, ...asked, due });
    }
    this.#due = Math.min(this.#due, due);
  }

  #fill(source: Source, index: number, repaired: boolean, now: Millis): void {
    const hole = source.missing.get(index);
    if (hole === undefined) return;
    source.missing.delete(index);
    // Without RTX a retransmission looks like a packet that was only late, but not so soon.
    const answered = repaired || now - hole.firstAskedAt >= this.#roundTrip / 2;
    if (hole.tries === 0 || !answered) this.#learnReordering(now - hole.since);
    else this.#learnRoundTrip(hole, now);
  }

  /** A packet was overtaken, and came so much later. */
  #learnReordering(late: Millis): void {
    const wait = Math.min(MAX_REORDER_MILLIS, late * 1.25);
    if (wait > this.#reorder) this.#reorder += (wait - this.#reorder) / 8;
  }

  #learnRoundTrip(hole: Missing, now: Millis): void {
    // With real losses the wait for what was overtaken shrinks back.
    this.#reorder += (this.#reorderMillis - this.#reorder) / 50;
    // After a second request nobody knows which one was answered (Karn, RFC 6298 §3). It counts a
    // little for the first one: else a round trip longer than the pause would never be learnt.
    this.#answers++;
    const weight = Math.max(hole.tries === 1 ? 1 / 8 : 1 / 16, 1 / (this.#answers + 1));
    this.#roundTrip += (now - hole.firstAskedAt - this.#roundTrip) * weight;
  }

  /** At most `room` sequence numbers of `source` to ask for now; gives up the hopeless ones. */
  #ask(source: Source, room: number, now: Millis): number[] {
    const lost: number[] = [];
    const retry = Math.min(MAX_RETRY_MILLIS, Math.max(MIN_RETRY_MILLIS, this.#roundTrip * 1.25));
    for (const hole of source.missing.values()) {
      if (hole.due <= now && lost.length < room) {
        if (hole.tries >= MAX_TRIES || now - hole.since >= this.#giveUpMillis) {
          source.missing.delete(hole.index);
          this.#lost.add(source.ssrc);
          continue;
        }
        lost.push(hole.index & 0xffff);
        hole.tries += 1;
        if (hole.tries === 1) hole.firstAskedAt = now;
        hole.askedAt = now;
        hole.due = now + retry;
      }
      this.#due = Math.min(this.#due, hole.due);
    }
    return lost;
  }
}
