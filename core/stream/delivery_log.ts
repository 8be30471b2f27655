import type { Millis } from "../base/mod.ts";
import { notAbove } from "./bandwidth.ts";

/** Entries of the log; when it is full, two become one. */
const ENTRIES = 128;
/** Packets sent within so long of each other share an entry. */
const GRAIN_MILLIS = 8;
/** Reports remembered for the rate of delivery. */
const SAMPLES = 16;
/** The rate of delivery is taken over about so long, and not over less. */
const RATE_MILLIS = 400;
const MIN_RATE_MILLIS = 100;
/** What a path takes without any queue is believed up to here. */
const MAX_BASE_MILLIS = 400;
/** The rate of a path that had a queue is remembered for so long. */
const SLOW_MILLIS = 10_000;
/** Transport-wide feedback comes every 50 to 250 ms from browsers. */
const MAX_FEEDBACK_MILLIS = 250;
/** It is soon known how often; a gap counts for the last ten or so. */
const FEEDBACK_DECAY = 0.9;
/**
 * Receiver reports come every 5 s, times 0.5 to 1.5, over e - 3/2 (RFC 3550 §6.2, §6.3.1), as GStreamer's do,
 * with others in between when there is something to ask for (RFC 4585 §3.5). Browsers' come every 500 to 1500 ms.
 */
const MAX_REPORT_MILLIS = 6200;
/** In a second: a gap counts for some 20 s. The next one may be so many times the longest of late. */
const REPORT_DECAY = 0.95;
const REPORT_MARGIN = 1.5;
/** Reports that lie further behind than this show a queue, not the path. */
const BACKLOG_MILLIS = 100;

/**
 * How far a viewer is behind: what was sent to him and not yet reported received. Our own queue
 * tells nothing, for the kernel hides megabytes of a slow peer.
 *
 * Between reports a viewer is taken to go on as before, for as long as reports usually take. While
 * there is a queue, a packet sent now arrives when all before it have: that is what is under way
 * divided by the rate of delivery.
 */
export class DeliveryLog {
  readonly #at = new Float64Array(ENTRIES);
  readonly #bytes = new Float64Array(ENTRIES);
  readonly #transport = new Float64Array(ENTRIES);
  readonly #audio = new Float64Array(ENTRIES);
  readonly #video = new Float64Array(ENTRIES);
  #head = 0;
  #count = 0;
  /** Bytes and transport-wide number up to the oldest entry. */
  #headBytes = 0;
  #headTransport = -1;
  #sent = 0;
  #acked = 0;
  /** Highest numbers sent (extended), -1 for none. */
  #lastTransport = -1;
  #lastAudio = -1;
  #lastVideo = -1;
  /** Highest numbers reported. */
  #ackedTransport = -1;
  #ackedAudio = -1;
  #ackedVideo = -1;

  #reports = 0;
  #reportAt: Millis = 0;
  /** What reports usually take at most, in ms, and the longest gap between them of late. */
  #interval = MAX_REPORT_MILLIS;
  #gap = MAX_REPORT_MILLIS;
  /** When transport-wide feedback last came, -1 for never. */
  #feedbackAt: Millis = -1;
  /** Age of the oldest unreported packet at the last report. */
  #lagAtReport: Millis = 0;
  #base: Millis = MAX_BASE_MILLIS;
  #progressAt: Millis = 0;
  readonly #sampleAt = new Float64Array(SAMPLES);
  readonly #sampleAcked = new Float64Array(SAMPLES);
  #samples = 0;
  /** What the path takes at most, in bytes per ms; 0 while it never had a queue. */
  #rate = 0;
  /** The path has been busy without a pause from then to the last report. */
  #busySince: Millis = 0;
  /** When the last report with a queue came, and the first of those in a row. */
  #queueAt: Millis = 0;
  #queueSince: Millis = 0;

  /** Bytes sent and not reported. */
  get unreportedBytes(): number {
    return this.#sent - this.#acked;
  }

  /** Whether the viewer has ever reported anything. */
  get reported(): boolean {
    return this.#reports > 0;
  }

  /** When a report last told of something new. */
  get progressAt(): Millis {
    return this.#progressAt;
  }

  /**
   * Notes what was sent at once. Numbers are the highest of each kind in it (extended); those that
   * are lower than before, as -1, say nothing.
   */
  sent(
    bytes: number,
    packets: number,
    transport: number,
    audio: number,
    video: number,
    now: Millis,
  ): void {
    if (this.#count === 0 && this.#sent === this.#acked && this.#reports === 0) {
      this.#progressAt = now;
    }
    if (this.#sent === 0) this.#sample(now);
    if (this.#lastTransport < 0) this.#headTransport = transport - packets;
    this.#sent += bytes;
    this.#lastTransport = Math.max(this.#lastTransport, transport);
    this.#lastAudio = Math.max(this.#lastAudio, audio);
    this.#lastVideo = Math.max(this.#lastVideo, video);
    let at = (this.#head + this.#count - 1) % ENTRIES;
    const newest = this.#at[at] ?? 0;
    if (this.#count === 0 || now - newest >= GRAIN_MILLIS) {
      if (this.#count === ENTRIES) this.#merge();
      at = (this.#head + this.#count) % ENTRIES;
      this.#count++;
      this.#at[at] = now;
    }
    this.#bytes[at] = this.#sent;
    this.#transport[at] = this.#lastTransport;
    this.#audio[at] = this.#lastAudio;
    this.#video[at] = this.#lastVideo;
  }

  /** Transport-wide feedback: the highest sequence number (16 bits) reported received. */
  handleTransport(sequenceNumber: number, now: Millis): void {
    if (this.#lastTransport < 0) return;
    const found = notAbove(this.#lastTransport, sequenceNumber);
    this.#ackedTransport = Math.max(this.#ackedTransport, found);
    const first = this.#feedbackAt < 0;
    const gap = first ? 0 : now - this.#feedbackAt;
    this.#pace(gap, first ? 0 : this.#gap, FEEDBACK_DECAY, MAX_FEEDBACK_MILLIS);
    this.#interval = this.#gap;
    this.#feedbackAt = now;
    this.#handleReport(now);
  }

  /**
   * A receiver report: the highest sequence number (its low 16 bits are used) of one of our SSRCs.
   */
  handleHighest(kind: "audio" | "video", sequenceNumber: number, now: Millis): void {
    const audio = kind === "audio";
    const last = audio ? this.#lastAudio : this.#lastVideo;
    if (last < 0) return;
    const found = notAbove(last, sequenceNumber & 0xffff);
    if (audio) this.#ackedAudio = Math.max(this.#ackedAudio, found);
    else this.#ackedVideo = Math.max(this.#ackedVideo, found);
    // Reports about audio and video come together, and count as one here.
    if (this.#reports > 0 && this.#feedbackAt < 0 && now > this.#reportAt) {
      const gap = now - this.#reportAt;
      this.#pace(gap, this.#gap, REPORT_DECAY ** (gap / 1000), MAX_REPORT_MILLIS);
      this.#interval = Math.min(MAX_REPORT_MILLIS, this.#gap * REPORT_MARGIN);
    }
    this.#handleReport(now);
  }

  /**
   * How much later than usual the next report is, in ms, beyond `patience`; 0 when nothing is under
   * way that it could be about.
   */
  late(now: Millis, patience: Millis): Millis {
    if (this.#count === 0 || this.#reports === 0) return 0;
    const waiting = now - Math.max(this.#reportAt, this.#at[this.#head] ?? now);
    return Math.max(0, waiting - this.#interval - patience);
  }

  /**
   * How far behind a packet sent now would arrive, in ms, beyond what the path takes. With reports
   * that may get lost, `patience` is how much longer than usual one is waited for.
   */
  behind(now: Millis, patience: Millis = 0): Millis {
    if (this.#count === 0 || this.#reports === 0) return 0;
    const silence = now - this.#reportAt;
    const late = this.late(now, patience);
    const reported = this.#lagAtReport + late;
    const excess = Math.max(0, reported - this.#base);
    if (this.#rate <= 0) return excess;
    const drained = Math.min(silence, this.#interval);
    const queue = this.unreportedBytes / this.#rate - drained - this.#base + late;
    // The oldest packet tells how long the queue was when that was sent. A rate measured since then
    // tells how long it is.
    const measured = this.#isQueued() && this.#reportAt - this.#queueSince >= RATE_MILLIS;
    return measured ? Math.max(0, queue) : Math.max(excess, queue);
  }

  /** Another path: what the old one took says nothing any more. */
  restart(now: Millis): void {
    this.#head = 0;
    this.#count = 0;
    this.#acked = this.#sent;
    this.#headBytes = this.#sent;
    this.#headTransport = this.#lastTransport;
    this.#lagAtReport = 0;
    this.#base = MAX_BASE_MILLIS;
    this.#reports = 0;
    this.#samples = 0;
    this.#rate = 0;
    this.#interval = MAX_REPORT_MILLIS;
    this.#gap = MAX_REPORT_MILLIS;
    this.#feedbackAt = -1;
    this.#progressAt = now;
    this.#sample(now);
  }

  #handleReport(now: Millis): void {
    const before = this.#acked;
    while (this.#count > 0 && this.#isAcked(this.#head)) {
      this.#headBytes = this.#bytes[this.#head] ?? this.#headBytes;
      this.#headTransport = this.#transport[this.#head] ?? this.#headTransport;
      this.#acked = this.#headBytes;
      this.#head = (this.#head + 1) % ENTRIES;
      this.#count--;
    }
    if (this.#count > 0) this.#acked = Math.max(this.#acked, this.#partlyAcked());
    const last = this.#reportAt;
    this.#reports++;
    this.#reportAt = now;
    if (this.#acked > before) this.#progressAt = now;
    this.#lagAtReport = this.#count === 0 ? 0 : now - (this.#at[this.#head] ?? now);
    this.#base = Math.min(this.#base, this.#lagAtReport);
    // The oldest packet has been under way all the time since, so the path was never idle.
    const busyFrom = now - Math.max(0, this.#lagAtReport - this.#base);
    this.#busySince = busyFrom > last ? busyFrom : Math.min(busyFrom, this.#busySince);
    this.#sample(now);
  }

  /** A decaying maximum of the time between reports. */
  #pace(gap: Millis, before: Millis, decay: number, most: Millis): void {
    this.#gap = Math.min(most, Math.max(gap, before * decay + gap * (1 - decay)));
  }

  #isAcked(at: number): boolean {
    const transport = this.#transport[at] ?? 0;
    if (transport >= 0 && transport <= this.#ackedTransport) return true;
    // One connection delivers in order, and audio is reported seldom: either kind speaks for both.
    const audio = this.#audio[at] ?? -1;
    const video = this.#video[at] ?? -1;
    return (audio >= 0 && audio <= this.#ackedAudio) || (video >= 0 && video <= this.#ackedVideo);
  }

  /** Makes room: of two neighbours the time of the first counts, and what both brought. */
  #merge(): void {
    let count = 0;
    for (let i = 0; i < this.#count; i += 2) {
      const first = (this.#head + i) % ENTRIES;
      const last = (this.#head + Math.min(i + 1, this.#count - 1)) % ENTRIES;
      const to = (this.#head + count) % ENTRIES;
      this.#at[to] = this.#at[first] ?? 0;
      for (const numbers of [this.#bytes, this.#transport, this.#audio, this.#video])
        numbers[to] = numbers[last] ?? 0;
      count++;
    }
    this.#count = count;
  }

  /** Bytes delivered when only the first packets of the oldest entry are reported. */
  #partlyAcked(): number {
    const last = this.#transport[this.#head] ?? -1;
    const from = this.#headTransport;
    if (from < 0 || this.#ackedTransport <= from || last <= from) return this.#acked;
    const share = (this.#ackedTransport - from) / (last - from);
    return this.#headBytes + share * ((this.#bytes[this.#head] ?? 0) - this.#headBytes);
  }

  /** Notes how much is delivered, and learns the path's rate while there is a queue. */
  #sample(now: Millis): void {
    // With a queue only the time counts in which the path was busy: else it tells what was sent.
    const queued = this.#isQueued();
    let at = -1;
    for (let back = 1; back <= Math.min(this.#samples, SAMPLES); back++) {
      const older = (this.#samples - back) % SAMPLES;
      const since = this.#sampleAt[older] ?? now;
      if (queued && since < this.#busySince) break;
      at = older;
      if (now - since >= RATE_MILLIS) break;
    }
    const passed = at < 0 ? 0 : now - (this.#sampleAt[at] ?? now);
    if (passed >= MIN_RATE_MILLIS) {
      this.#learn((this.#acked - (this.#sampleAcked[at] ?? 0)) / passed, now);
    }
    // A time without a queue says what was sent, not what the path takes.
    if (!this.#isQueued()) {
      this.#samples = 0;
      this.#queueSince = now;
    }
    const newest = (this.#samples - 1 + SAMPLES) % SAMPLES;
    if (this.#samples > 0 && now - (this.#sampleAt[newest] ?? 0) < RATE_MILLIS / 8) return;
    this.#sampleAt[this.#samples % SAMPLES] = now;
    this.#sampleAcked[this.#samples % SAMPLES] = this.#acked;
    this.#samples++;
  }

  /** Whether the last report showed a queue on the path. */
  #isQueued(): boolean {
    return this.#lagAtReport - this.#base >= BACKLOG_MILLIS;
  }

  #learn(rate: number, now: Millis): void {
    if (this.#isQueued()) {
      this.#queueAt = now;
      this.#rate = this.#rate <= 0 ? rate : (this.#rate + rate) / 2;
    } else if (now - this.#queueAt > SLOW_MILLIS) {
      this.#rate = 0;
    } else if (this.#rate > 0 && rate > this.#rate) {
      this.#rate = rate;
    }
  }
}
