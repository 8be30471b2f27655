/**
 * Datagrams on their way to viewers whose path takes less than they are sent at times: let go
 * as slowly as it takes them, so that a keyframe does not overrun the buffer of a bottleneck.
 * What waits here is seen by the gate, which closes before it is too much.
 *
 * @module
 */
import { type Millis, NEVER } from "../base/mod.ts";
import type { Subscriber } from "./subscriber.ts";

/** Between two looks at what may go. */
export const PACE_MILLIS: Millis = 5;
/**
 * Times the estimate, phase by phase: once in a while a little more, which shows when the path takes
 * more, then less, so that what queued up by that drains: the gain cycle of BBR
 * (draft-cardwell-iccrg-bbr-congestion-control-00).
 */
const GAINS: readonly number[] = [1.25, 0.75, 1, 1, 1, 1, 1, 1];
const PHASE_MILLIS = 125;
/**
 * Those that try more and less are longer where packets are rare: what arrives is measured by some
 * packets, and would not show it.
 */
const TRIED_PACKETS = 9;
const TRIED_MILLIS = 1250;
/** The path took more when the estimate has risen so much by that: then more is tried at once. */
const RISEN = 1.08;
const NEXT_GAIN = 2;
/** May go at once, as time of the rate; a packet may always go when none did for as long. */
const BURST_MILLIS = 10;

/** What waits for one viewer. */
export class Pacer {
  readonly #queue: Uint8Array[] = [];
  readonly #numbers: number[] = [];
  #head = 0;
  /** Bytes that wait. */
  bytes = 0;
  /** Bits that may go; negative after a packet that was larger. */
  #credit = 0;
  #at: Millis = 0;
  #phase = 1;
  #phaseAt: Millis = 0;
  /** Packets that went in this phase. */
  #gone = 0;
  /** How many times the estimate is tried, and what it was when that began. */
  #tried = 1;
  #triedFrom = Number.POSITIVE_INFINITY;
  /** Extended transport-wide number of the packet that came last. */
  #number = -1;

  /** Begins behind the packet with the extended transport-wide number `number`. */
  start(number: number, now: Millis): void {
    this.clear();
    this.#number = number;
    this.#credit = 0;
    this.#at = now;
  }

  /** Takes the packet with the next number, or drops it when more than `most` bytes wait. */
  hold(packet: Uint8Array, most: number): void {
    const number = ++this.#number;
    if (this.bytes > most) return;
    this.#queue.push(packet);
    this.#numbers.push(number);
    this.bytes += packet.length;
  }

  /** Lets go what a path of `bitrate` takes by now. */
  release(
    bitrate: number,
    now: Millis,
    send: (packet: Uint8Array, number: number, now: Millis) => void,
  ): void {
    if (now - this.#phaseAt >= this.#phaseMillis) this.#nextPhase(bitrate, now);
    const gain = this.#phase === 0 ? this.#tried : (GAINS[this.#phase] ?? 1);
    const rate = (bitrate * gain) / 1000;
    const gained = Math.max(0, now - this.#at) * rate;
    this.#credit = Math.min(rate * BURST_MILLIS, this.#credit + gained);
    this.#at = now;
    while (this.#head < this.#queue.length && this.#credit >= 0) {
      const packet = this.#queue[this.#head];
      const number = this.#numbers[this.#head++];
      if (packet === undefined || number === undefined) break;
      this.bytes -= packet.length;
      this.#credit -= packet.length * 8;
      this.#gone++;
      send(packet, number, now);
    }
    if (this.#head === this.#queue.length) this.clear();
    else if (this.#head > 256) {
      this.#queue.splice(0, this.#head);
      this.#numbers.splice(0, this.#head);
      this.#head = 0;
    }
  }

  get #phaseMillis(): Millis {
    return this.#phase > 1 || this.#gone >= TRIED_PACKETS ? PHASE_MILLIS : TRIED_MILLIS;
  }

  /** Tries more again at once when the path took more the last time. */
  #nextPhase(bitrate: number, now: Millis): void {
    this.#phaseAt = now;
    this.#gone = 0;
    this.#phase = (this.#phase + 1) % GAINS.length;
    const risen = this.#phase > 1 && bitrate > this.#triedFrom * RISEN;
    if (risen) this.#phase = 0;
    if (this.#phase > 0) return;
    this.#triedFrom = bitrate;
    this.#tried = risen ? NEXT_GAIN : (GAINS[0] ?? 1);
  }

  clear(): void {
    this.#queue.length = 0;
    this.#numbers.length = 0;
    this.#head = 0;
    this.bytes = 0;
  }
}

/** The viewers of a stream for whom packets wait. */
export class Pacing {
  readonly #viewers = new Set<Subscriber>();
  /** When the next packets may go. */
  due: Millis = NEVER;

  add(viewer: Subscriber, now: Millis): void {
    this.#viewers.add(viewer);
    this.due = Math.min(this.due, now + PACE_MILLIS);
  }

  delete(viewer: Subscriber): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size === 0) this.due = NEVER;
  }

  run(now: Millis): void {
    if (now < this.due) return;
    for (const viewer of this.#viewers) {
      if (!viewer.release(now)) this.#viewers.delete(viewer);
    }
    this.due = this.#viewers.size === 0 ? NEVER : now + PACE_MILLIS;
  }
}
