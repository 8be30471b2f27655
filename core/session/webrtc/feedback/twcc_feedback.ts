import { type Millis, NEVER } from "../../../base/mod.ts";
import {
  DELTA_MICROS,
  DELTAS_PER_REFERENCE,
  encodeRtcp,
  type TransportFeedback,
} from "../../../wire/rtcp/mod.ts";
import { difference16 } from "../../../wire/rtp/mod.ts";

/** From the first packet not yet reported to the report; libwebrtc's own at full rate. */
export const TWCC_MILLIS: Millis = 50;
/** Sequence numbers that can wait to be reported; a power of two. */
export const TWCC_WINDOW: number = 8_192;
/** After a jump by so much nothing is said of what lies between: the sender has begun anew. */
const MAX_GAP = 512;
/** So many packets in a row that are older than the window: the sender has begun anew. */
const MAX_STRAYS = 16;
/** One feedback packet, below the MTU with SRTCP and framing around it. */
export const MAX_TWCC_BYTES: number = 1_100;

const TICKS_PER_MILLI = 1000 / DELTA_MICROS;
/** Received packets in one feedback packet: two bytes each at most, and chunks. */
const MAX_RECEIVED = 400;

export interface TwccFeedbackOptions {
  /** Our SSRC. */
  readonly senderSsrc: number;
  /** Default `TWCC_MILLIS`. */
  readonly intervalMillis?: Millis;
}

/**
 * Tells a publisher when each of its packets arrived, by their transport-wide sequence numbers
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1). Over TCP the times are those of the
 * reads that brought them: delay, not loss, is what the publisher learns from.
 */
export class TwccFeedback {
  readonly #senderSsrc: number;
  readonly #interval: Millis;
  /** By extended sequence number modulo the window: whose arrival it is, and when, in 250 us. */
  readonly #sequences: Float64Array = new Float64Array(TWCC_WINDOW).fill(-1);
  readonly #arrivals: Float64Array = new Float64Array(TWCC_WINDOW);
  #strays = 0;
  /**
   * Extended sequence numbers: the first one to report, and the one behind the highest received.
   */
  #from = -1;
  #to = -1;
  #mediaSsrc = 0;
  #feedbackCount = 0;
  #due: Millis = NEVER;

  constructor(options: TwccFeedbackOptions) {
    this.#senderSsrc = options.senderSsrc;
    this.#interval = options.intervalMillis ?? TWCC_MILLIS;
  }

  /** `transportSequence` has 16 bits; `now` keeps its fraction of a millisecond. */
  handlePacket(transportSequence: number, mediaSsrc: number, now: Millis): void {
    this.#mediaSsrc = mediaSsrc;
    if (this.#to < 0) {
      // One turn up, so that late packets before the first have a place.
      this.#from = transportSequence + 0x1_0000;
      this.#to = this.#from;
    }
    const ahead = difference16(transportSequence, this.#to);
    let sequence = this.#to + ahead;
    if (sequence >= this.#to) {
      if (ahead >= MAX_GAP) this.#from = sequence;
      this.#to = sequence + 1;
      this.#from = Math.max(this.#from, this.#to - TWCC_WINDOW);
    } else if (sequence < this.#to - TWCC_WINDOW) {
      if (++this.#strays < MAX_STRAYS) return; // older than anything we can say
      this.#to = sequence + 0x2_0001; // ahead of all that was
      this.#from = this.#to - 1;
      sequence = this.#from;
    }
    this.#strays = 0;
    const slot = sequence % TWCC_WINDOW;
    // Of a packet that comes twice the first counts.
    if (this.#sequences[slot] === sequence) return;
    this.#sequences[slot] = sequence;
    this.#arrivals[slot] = Math.round(now * TICKS_PER_MILLI);
    // Reported as lost before: it is said again, as libwebrtc does.
    if (sequence < this.#from) this.#from = sequence;
    if (this.#due === NEVER) this.#due = now + this.#interval;
  }

  nextTimeout(): Millis {
    return this.#due;
  }

  /** The next feedback packet, when it is due; more may follow. */
  poll(now: Millis): Uint8Array | undefined {
    if (now < this.#due) return undefined;
    if (this.#from >= this.#to) {
      this.#due = NEVER;
      return undefined;
    }
    let feedback = this.#collect();
    let bytes = encodeRtcp([feedback]);
    while (bytes.length > MAX_TWCC_BYTES) {
      feedback = halved(feedback);
      bytes = encodeRtcp([feedback]);
    }
    this.#from += feedback.deltas.length;
    this.#feedbackCount = (this.#feedbackCount + 1) & 0xff;
    if (this.#from >= this.#to) this.#due = NEVER;
    return bytes;
  }

  /**
   * What can be said in one packet from `#from` on; holds a received packet, for the last one is.
   */
  #collect(): TransportFeedback {
    const deltas: (number | undefined)[] = [];
    let referenceTime = 0;
    let previous = Number.NaN;
    let received = 0;
    for (let sequence = this.#from; sequence < this.#to && received < MAX_RECEIVED; sequence++) {
      const slot = sequence % TWCC_WINDOW;
      if (this.#sequences[slot] !== sequence) {
        deltas.push(undefined);
        continue;
      }
      const arrival = this.#arrivals[slot] ?? 0;
      if (received === 0) {
        referenceTime = Math.floor(arrival / DELTAS_PER_REFERENCE);
        previous = referenceTime * DELTAS_PER_REFERENCE;
      }
      const delta = arrival - previous;
      if (delta < -0x8000 || delta > 0x7fff) break; // the next packet has a reference of its own
      deltas.push(delta);
      previous = arrival;
      received += 1;
    }
    return {
      type: "twcc",
      senderSsrc: this.#senderSsrc,
      mediaSsrc: this.#mediaSsrc,
      baseSequence: this.#from & 0xffff,
      referenceTime: referenceTime % 0x100_0000,
      feedbackCount: this.#feedbackCount,
      deltas,
    };
  }
}

/** The first half, or as much as it takes to hold a received packet. */
function halved(feedback: TransportFeedback): TransportFeedback {
  const first = feedback.deltas.findIndex((delta) => delta !== undefined);
  const length = Math.max(first + 1, Math.floor(feedback.deltas.length / 2));
  return { ...feedback, deltas: feedback.deltas.slice(0, length) };
}
