/**
 * What a viewer's path takes, from what he reports. The parts are well known, the composition is for
 * a sender that does not choose what there is to send, as a forwarding server:
 *
 * - One-way delay against its minimum over some 10 to 20 s tells of a queue (LEDBAT, RFC 6817). Only
 *   one that stands counts: all packets of a while were late by it (CoDel, RFC 8289), so that jitter,
 *   reordering and a burst that drains at once do not.
 * - While a queue stands the path is busy, so the rate at which packets arrive, by the receiver's
 *   clock, is what it takes (the delivery rate of BBR, draft-cardwell-iccrg-bbr-congestion-control-00).
 *   That becomes the estimate when the queue grows or is long.
 * - Loss counts from a fraction on that NACK does not repair; up to there it is taken for chance. The
 *   bound is higher than the 10 % of draft-ietf-rmcat-gcc-02 §6, which paths of 10 % would meet.
 * - Without congestion the estimate grows by 8 % a second (the same, §5.5), slower on a path that was
 *   found narrow again and again; what was delivered without a queue is believed at once.
 * - REMB (draft-alvestrand-rmcat-remb-03) is an upper bound, until the next one.
 *
 * @module
 */
import type { Millis } from "../base/mod.ts";
import { DELTA_MICROS, TransportFeedbackCursor } from "../wire/rtcp/mod.ts";
import { difference32, extendIndex } from "../wire/rtp/mod.ts";
import { ArrivalSpan } from "./arrival_span.ts";

/** Packets under way that are remembered, by transport-wide number; a power of two. */
export const TRACKED_PACKETS = 2048;
/** An estimate is never lower, in bits per second: audio and a trickle of video. */
export const MIN_BITRATE = 50_000;
/** An estimate that has grown so far is as good as none. */
export const MAX_BITRATE = 100_000_000;
/** Of the packets of a while: from there on loss means that the path is full. */
export const CONGESTED_LOSS = 0.2;

const TICKS_PER_MILLI = 1000 / DELTA_MICROS;
/** A queue is one when packets are later than the fastest by so much, in ticks of 250 us. */
const QUEUE_TICKS = 40 * TICKS_PER_MILLI;
/** One that is so long need not grow to count. */
const LONG_QUEUE_TICKS = 150 * TICKS_PER_MILLI;
const GROWTH_TICKS = 5 * TICKS_PER_MILLI;
/** A queue stands when it was there for two spans of at least so long and so many packets. */
const STANDING_TICKS = 200 * TICKS_PER_MILLI;
const STANDING_PACKETS = 10;
/** What arrives without a queue is measured over so long: the time that a keyframe takes. */
const PASSING_TICKS = 100 * TICKS_PER_MILLI;
/** Fewer packets do when they were so long on their way, as those of a path found very narrow. */
const RARE_TICKS = 400 * TICKS_PER_MILLI;
const RARE_PACKETS = 4;
/** The least delay is that of the last one to two such spans. */
const BASE_MILLIS = 10_000;
/** The most that arrived is that of so short a time. */
const PEAK_TICKS = 100 * TICKS_PER_MILLI;
/** Loss is measured over so many packets and so long, twice. */
const LOSS_PACKETS = 100;
const LOSS_MILLIS = 500;

const GROWTH_PER_SECOND = 0.08;
const LEAST_GROWTH_PER_SECOND = 0.01;
/** After congestion the estimate stays for so long. */
const HOLD_MILLIS = 1000;
/** A path that is found narrow again within so long is explored more slowly. */
const RELAPSE_MILLIS = 30_000;
/** Reports further apart count as that far. */
const MAX_STEP_MILLIS = 1000;
/** When nobody says what arrived; for loss p it is 1 - p/2 (draft-ietf-rmcat-gcc-02 §5.5, §6). */
const BLIND_DECREASE = 0.85;

export class BandwidthEstimator {
  readonly #cursor = new TransportFeedbackCursor();
  /** When a packet was sent, in 250 us modulo 2^32, and its bytes: 0 when it was reported. */
  #sentAt: Uint32Array | undefined;
  #sentBytes: Uint16Array | undefined;
  /** Extended transport-wide numbers: the newest sent and the highest reported, -1 for none. */
  #last = -1;
  #highest = -1;

  /** Whether more waits to be sent than the path takes: what it takes is measured, not guessed. */
  busy = false;
  #estimate = Number.POSITIVE_INFINITY;
  #remb = Number.POSITIVE_INFINITY;
  #growth = GROWTH_PER_SECOND;
  #congestedAt: Millis = Number.NEGATIVE_INFINITY;
  #feedbackAt: Millis = 0;

  /** One-way delays are relative to the first, in ticks; clocks need not agree. */
  #origin = 0;
  #least = Number.POSITIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #leastSince: Millis = 0;
  /** The queue at the newest packet reported, in ticks. */
  #queue = 0;

  /** What arrived since `at` (ticks, modulo 2^32). */
  readonly #standing = new ArrivalSpan();
  #queueAtStart = 0;
  /** What arrived in the span before, in bits per second; 0 when no queue stood then. */
  #standingBefore = 0;
  readonly #passing = new ArrivalSpan();

  #lost = 0;
  #received = 0;
  #lossSince: Millis = 0;
  #lossBefore = 0;
  #lossFraction = 0;
  /** Packets reported that were later than all before. */
  #arrived = 0;
  /** The most that arrived within a short span since loss is measured, in bits per second. */
  #peak = 0;
  readonly #peakSpan = new ArrivalSpan();

  /** Bits per second that his path takes, SRTP included; infinite while nothing says less. */
  get estimatedBitrate(): number {
    return Math.min(this.#estimate, this.#remb);
  }

  /** The same without what he asked for. */
  get pathBitrate(): number {
    return this.#estimate;
  }

  /** What he asked not to go over (REMB); infinite without. */
  get requestedBitrate(): number {
    return this.#remb;
  }

  /** Packets lost on the way of those sent lately, 0 to 1, retransmissions included. */
  get lossFraction(): number {
    return this.#lossFraction;
  }

  /** Whether he tells when each packet arrived. */
  get measures(): boolean {
    return this.#sentBytes !== undefined;
  }

  /** How long the newest packet reported had to queue, less the time since that may have drained. */
  queueMillis(now: Millis): Millis {
    return Math.max(0, this.#queue / TICKS_PER_MILLI - Math.max(0, now - this.#feedbackAt));
  }

  /** Notes `packets` with transport-wide numbers (extended) up to `last`, of `bytes` in all. */
  sent(last: number, packets: number, bytes: number, now: Millis): void {
    const sentAt = this.#sentAt;
    const sentBytes = this.#sentBytes;
    const from = Math.max(this.#last + 1, last - packets + 1);
    this.#last = Math.max(this.#last, last);
    if (sentBytes === undefined || sentAt === undefined) return; // nobody has reported yet
    const each = Math.min(0xffff, Math.max(1, Math.round(bytes / packets)));
    const ticks = Math.round(now * TICKS_PER_MILLI) >>> 0;
    for (let number = from; number <= last; number++) {
      sentAt[number % TRACKED_PACKETS] = ticks;
      sentBytes[number % TRACKED_PACKETS] = each;
    }
  }

  /**
   * Transport-wide feedback, its body (from the sender's SSRC on) in `bytes[at..end)`. Returns the
   * highest number (16 bits) that it reports as received, -1 for none or when it is malformed.
   */
  handleFeedback(bytes: Uint8Array, at: number, end: number, now: Millis): number {
    const cursor = this.#cursor;
    if (!cursor.start(bytes, at, end) || cursor.highest < 0) return -1;
    const highest = (cursor.baseSequence + cursor.highest) & 0xffff;
    if (this.#last < 0) return highest;
    if (this.#sentBytes === undefined) {
      this.#sentAt = new Uint32Array(TRACKED_PACKETS);
      this.#sentBytes = new Uint16Array(TRACKED_PACKETS);
      this.#lossSince = now;
      this.#leastSince = now;
    }
    this.#grow(now);
    const base = notAbove(this.#last, highest) - cursor.highest;
    // Reports get lost, too: of what is in front of this one nothing is known.
    const before = Math.max(this.#highest, base - 1);
    const arrived = this.#arrived;
    while (cursor.next()) this.#take(base + cursor.position, cursor.arrival, now);
    if (this.#highest > before) {
      this.#lost += this.#highest - before - (this.#arrived - arrived);
    }
    this.#lookAtLoss(now);
    return highest;
  }

  /**
   * A report block (RFC 3550 §6.4.1), which counts for who gives no transport-wide feedback:
   * `lost` of 0 to 1 since the last one, the round trip if it tells one, and what was sent to him
   * lately in bits per second.
   */
  handleReport(lost: number, roundTrip: Millis | undefined, sent: number, now: Millis): void {
    if (this.#sentBytes !== undefined) return;
    this.#grow(now);
    this.#lossFraction = (lost + this.#lossBefore) / 2;
    this.#lossBefore = lost;
    const before = this.#queue;
    if (roundTrip !== undefined) this.#handleDelay(Math.round(roundTrip * TICKS_PER_MILLI), now);
    const queued = Math.min(before, this.#queue) > LONG_QUEUE_TICKS;
    const lossy = Math.min(lost, this.#lossFraction) > CONGESTED_LOSS;
    // Once narrow, what is sent may be little because of that.
    const unknown = this.#estimate === Number.POSITIVE_INFINITY;
    const known = unknown ? sent : this.#estimate;
    if (lossy) this.#congest(known * (1 - (unknown ? lost : this.#lossFraction / 2)), now);
    else if (queued) this.#congest(known * BLIND_DECREASE, now);
  }

  /** Receiver Estimated Maximum Bitrate, in bits per second. */
  handleRemb(bitrate: number): void {
    this.#remb = Math.max(MIN_BITRATE, bitrate);
  }

  /** Another path: what the old one took says nothing any more. */
  restart(): void {
    this.#estimate = Number.POSITIVE_INFINITY;
    this.#remb = Number.POSITIVE_INFINITY;
    this.#growth = GROWTH_PER_SECOND;
    this.#congestedAt = Number.NEGATIVE_INFINITY;
    this.#least = Number.POSITIVE_INFINITY;
    this.#leastBefore = Number.POSITIVE_INFINITY;
    this.#queue = 0;
    this.#standing.end();
    this.#standingBefore = 0;
    this.#passing.end();
    this.#peak = 0;
    this.#peakSpan.end();
    this.#lost = 0;
    this.#received = 0;
    this.#lossBefore = 0;
    this.#lossFraction = 0;
    this.#highest = this.#last;
    this.#sentBytes?.fill(0);
  }

  /** One packet that was received. */
  #take(number: number, arrival: number, now: Millis): void {
    const sentAt = this.#sentAt;
    const sentBytes = this.#sentBytes;
    if (sentAt === undefined || sentBytes === undefined) return;
    if (number <= this.#last - TRACKED_PACKETS || number > this.#last) return;
    const slot = number % TRACKED_PACKETS;
    const bytes = sentBytes[slot] ?? 0;
    if (bytes === 0) return; // reported before, or sent before anything was
    sentBytes[slot] = 0;
    this.#received++;
    this.#addToPeak(arrival, bytes);
    if (number < this.#highest) {
      this.#lost--; // it was only late
      return;
    }
    this.#arrived++;
    this.#highest = number;
    this.#measure(arrival, sentAt[slot] ?? 0, bytes, now);
  }

  #measure(arrival: number, sentAt: number, bytes: number, now: Millis): void {
    this.#handleDelay(difference32(arrival, sentAt), now);
    this.#lookAtQueue(arrival, bytes, now);
  }

  /** A delay in ticks, against an origin of its own: what is above the least is queue. */
  #handleDelay(delay: number, now: Millis): void {
    if (this.#least === Number.POSITIVE_INFINITY && this.#leastBefore === this.#least) {
      this.#origin = delay;
      this.#leastSince = now;
    }
    const relative = difference32(delay, this.#origin);
    if (now - this.#leastSince > BASE_MILLIS) {
      this.#leastBefore = this.#least;
      this.#least = relative;
      this.#leastSince = now;
    } else if (relative < this.#least) {
      this.#least = relative;
    }
    this.#queue = relative - Math.min(this.#least, this.#leastBefore);
  }

  #lookAtQueue(arrival: number, bytes: number, now: Millis): void {
    const standing = this.#standing;
    const queue = this.#queue;
    if (queue <= QUEUE_TICKS) {
      standing.end();
      this.#standingBefore = 0;
      this.#pass(arrival, bytes);
      return;
    }
    this.#passing.end();
    if (!standing.begun) this.#queueAtStart = queue;
    standing.add(arrival, bytes);
    if (standing.ticks < STANDING_TICKS || standing.packets < STANDING_PACKETS) return;
    const { bitrate } = standing;
    const before = this.#standingBefore;
    const grows = queue > this.#queueAtStart + GROWTH_TICKS;
    // A path or a peer that only stalled delivers the more afterwards: the better of two spans counts.
    if (before > 0 && (grows || queue > LONG_QUEUE_TICKS)) {
      this.#congest(Math.max(before, bitrate), now);
    } else if (bitrate > this.#estimate) {
      this.#estimate = bitrate;
    }
    this.#standingBefore = bitrate;
    standing.begin(arrival);
    this.#queueAtStart = queue;
  }

  /** What comes through without a queue, as a keyframe at once, shows what the path takes at least. */
  #pass(arrival: number, bytes: number): void {
    const passing = this.#passing;
    passing.add(arrival, bytes);
    const enough = passing.ticks < RARE_TICKS ? STANDING_PACKETS : RARE_PACKETS;
    if (passing.ticks < PASSING_TICKS || passing.packets < enough) return;
    if (passing.bitrate > this.#estimate) this.#estimate = passing.bitrate;
    passing.begin(arrival);
  }

  #lookAtLoss(now: Millis): void {
    const packets = this.#received + Math.max(0, this.#lost);
    if (packets < LOSS_PACKETS || now - this.#lossSince < LOSS_MILLIS) return;
    const loss = Math.max(0, this.#lost) / packets;
    this.#lossFraction = (loss + this.#lossBefore) / 2;
    this.#lossBefore = loss;
    if (Math.min(loss, this.#lossFraction) > CONGESTED_LOSS) {
      // The path need not have been busy all the time, but it was when most arrived.
      this.#congest(Math.max(this.#peak, this.#peakSpan.bitrate), now);
    }
    this.#lost = 0;
    this.#received = 0;
    this.#lossSince = now;
    this.#peak = 0;
    this.#peakSpan.end();
  }

  #addToPeak(arrival: number, bytes: number): void {
    const span = this.#peakSpan;
    span.add(arrival, bytes);
    if (span.ticks < PEAK_TICKS) return;
    this.#peak = Math.max(this.#peak, span.bitrate);
    span.begin(arrival);
  }

  /** The path is full, and took `bitrate`. */
  #congest(bitrate: number, now: Millis): void {
    const since = now - this.#congestedAt;
    if (since > HOLD_MILLIS && this.#estimate !== Number.POSITIVE_INFINITY) {
      this.#growth =
        since < RELAPSE_MILLIS
          ? Math.max(LEAST_GROWTH_PER_SECOND, this.#growth / 2)
          : GROWTH_PER_SECOND;
    }
    const known = since <= HOLD_MILLIS ? this.#estimate : bitrate;
    this.#estimate = Math.max(MIN_BITRATE, (known + bitrate) / 2);
    this.#congestedAt = now;
    this.#passing.end();
  }

  #grow(now: Millis): void {
    const passed = Math.min(MAX_STEP_MILLIS, now - this.#feedbackAt);
    this.#feedbackAt = now;
    if (this.busy || this.#estimate === Number.POSITIVE_INFINITY) return;
    if (now - this.#congestedAt < HOLD_MILLIS || this.#lossFraction > CONGESTED_LOSS / 2) return;
    this.#estimate *= 1 + (this.#growth * passed) / 1000;
    if (this.#estimate > MAX_BITRATE) this.#estimate = Number.POSITIVE_INFINITY;
  }
}

/** The highest extended number that ends in `low` (16 bits) and is not above `highest`. */
export function notAbove(highest: number, low: number): number {
  const found = extendIndex(highest, low);
  return found > highest ? found - 0x1_0000 : found;
}
