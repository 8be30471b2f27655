import { type Millis, NEVER } from "../../../base/mod.ts";
import { compactNtp, encodeRtcp, type NtpTime, type ReportBlock } from "../../../wire/rtcp/mod.ts";
import { difference32 } from "../../../wire/rtp/mod.ts";

/**
 * Between reports. RFC 4585 §3.5 allows less than the 5 s of RFC 3550; libwebrtc reports video
 * every second.
 */
export const RECEIVER_REPORT_MILLIS: Millis = 1_000;
/** As many as fit one RR; packets of further sources are not accounted for. */
export const MAX_REPORTED_SOURCES: number = 31;
/** A source not heard for so many intervals is forgotten (RFC 3550 §6.3.5). */
const SILENT_INTERVALS = 5;

interface Source {
  readonly ssrc: number;
  clockRate: number;
  /** Lowest and highest extended index received. */
  base: number;
  highest: number;
  received: number;
  expectedBefore: number;
  receivedBefore: number;
  /** RFC 3550 A.8, in ticks of the RTP clock. */
  jitter: number;
  lastRtpTime: number;
  lastArrival: Millis;
  lastSr: number;
  lastSrArrival: Millis;
  heard: boolean;
  silentIntervals: number;
}

export interface ReceiverReportsOptions {
  /** Our SSRC. */
  readonly senderSsrc: number;
  readonly cname: string;
  /** Default `RECEIVER_REPORT_MILLIS`. */
  readonly intervalMillis?: Millis;
}

/**
 * Reception statistics of each SSRC of a publisher (RFC 3550 §6.4.1, A.3, A.8), and RR with SDES.
 */
export class ReceiverReports {
  readonly #senderSsrc: number;
  readonly #cname: string;
  readonly #interval: Millis;
  readonly #sources = new Map<number, Source>();
  #due: Millis = NEVER;

  constructor(options: ReceiverReportsOptions) {
    this.#senderSsrc = options.senderSsrc;
    this.#cname = options.cname;
    this.#interval = options.intervalMillis ?? RECEIVER_REPORT_MILLIS;
  }

  /**
   * `index` is the extended one (rollover counter << 16 | sequence number). Retransmissions count
   * on their own SSRC.
   */
  handlePacket(ssrc: number, index: number, rtpTime: number, clockRate: number, now: Millis): void {
    const source = this.#sources.get(ssrc);
    if (source === undefined) {
      this.#add(ssrc, index, rtpTime, clockRate, now);
      return;
    }
    source.received += 1;
    source.heard = true;
    if (index > source.highest) source.highest = index;
    else if (index < source.base) source.base = index;
    if (clockRate !== source.clockRate) {
      // Another codec: its timestamps cannot be compared with the last one's (RFC 7160 §4.3).
      source.clockRate = clockRate;
      source.jitter = 0;
      source.lastRtpTime = rtpTime;
      source.lastArrival = now;
    }
    const ticks = ((now - source.lastArrival) * source.clockRate) / 1000;
    const difference = Math.abs(ticks - difference32(rtpTime, source.lastRtpTime));
    source.jitter += (difference - source.jitter) / 16;
    source.lastRtpTime = rtpTime;
    source.lastArrival = now;
    if (this.#due === NEVER) this.#due = now + this.#interval;
  }

  /** A sender report of `ssrc` arrived. */
  handleSenderReport(ssrc: number, ntp: NtpTime, now: Millis): void {
    const source = this.#sources.get(ssrc);
    if (source === undefined) return;
    source.lastSr = compactNtp(ntp);
    source.lastSrArrival = now;
  }

  /** A source said BYE. */
  remove(ssrc: number): void {
    this.#sources.delete(ssrc);
  }

  nextTimeout(): Millis {
    return this.#due;
  }

  /** The report, when it is due. */
  poll(now: Millis): Uint8Array | undefined {
    if (now < this.#due) return undefined;
    const blocks: ReportBlock[] = [];
    for (const source of this.#sources.values()) {
      if (source.heard) {
        blocks.push(report(source, now));
        source.silentIntervals = 0;
      } else if (++source.silentIntervals >= SILENT_INTERVALS) {
        this.#sources.delete(source.ssrc);
      }
      source.heard = false;
    }
    // Nothing to say until somebody is heard again.
    this.#due = this.#sources.size > 0 ? now + this.#interval : NEVER;
    if (blocks.length === 0) return undefined;
    return encodeRtcp([
      { type: "rr", ssrc: this.#senderSsrc, blocks },
      { type: "sdes", chunks: [{ ssrc: this.#senderSsrc, cname: this.#cname }] },
    ]);
  }

  #add(ssrc: number, index: number, rtpTime: number, clockRate: number, now: Millis): void {
    if (this.#sources.size >= MAX_REPORTED_SOURCES) return;
    this.#sources.set(ssrc, {
      ssrc,
      clockRate,
      base: index,
      highest: index,
      received: 1,
      expectedBefore: 0,
      receivedBefore: 0,
      jitter: 0,
      lastRtpTime: rtpTime,
      lastArrival: now,
      lastSr: 0,
      lastSrArrival: 0,
      heard: true,
      silentIntervals: 0,
    });
    if (this.#due === NEVER) this.#due = now + this.#interval;
  }
}

/** RFC 3550 A.3. */
function report(source: Source, now: Millis): ReportBlock {
  const expected = source.highest - source.base + 1;
  const expectedNow = expected - source.expectedBefore;
  const lostNow = expectedNow - (source.received - source.receivedBefore);
  source.expectedBefore = expected;
  source.receivedBefore = source.received;
  const fraction = lostNow <= 0 ? 0 : Math.floor((lostNow * 256) / expectedNow);
  const delay = source.lastSr === 0 ? 0 : ((now - source.lastSrArrival) * 65_536) / 1000;
  return {
    ssrc: source.ssrc,
    fractionLost: Math.min(255, fraction),
    cumulativeLost: expected - source.received,
    highestSequence: source.highest >>> 0,
    jitter: Math.min(0xffff_ffff, Math.floor(source.jitter)),
    lastSr: source.lastSr,
    delaySinceLastSr: Math.min(0xffff_ffff, Math.max(0, Math.floor(delay))),
  };
}
