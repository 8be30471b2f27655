import { type Millis, NEVER } from "../../../base/mod.ts";
import type { HandshakeFragment } from "../../../wire/dtls/mod.ts";
import type { Flight } from "./flight.ts";
import type { DtlsCounters } from "./options.ts";
import type { Outbox } from "./outbox.ts";

/**
 * First wait before a flight is sent again; it doubles. RFC 6347 §4.2.4.1 recommends 1 s and
 * allows less where time matters: ICE has just shown that the peer answers, mostly within 100 ms,
 * and a viewer waits.
 */
const RETRANSMIT_MILLIS: Millis = 400;
/**
 * A repeated flight is not answered when ours went out less than this ago. Chromium's first timer
 * is 50 ms.
 */
const RESEND_GAP_MILLIS: Millis = 40;

/** Our last flight, and when it goes out again (RFC 6347 §4.2.4). */
export class FlightSender {
  readonly #outbox: Outbox;
  readonly #counters: DtlsCounters;
  #reliable: boolean;
  #flight: Flight | undefined;
  #sentAt: Millis = 0;
  #answers = -1;
  #waitMillis: Millis = RETRANSMIT_MILLIS;
  #writeEpoch: 0 | 1 = 0;
  /** The peer's answer has not come yet. */
  #waiting = false;
  #settled = false;

  constructor(outbox: Outbox, counters: DtlsCounters, reliable: boolean) {
    this.#outbox = outbox;
    this.#counters = counters;
    this.#reliable = reliable;
  }

  /** There has been a flight. */
  get started(): boolean {
    return this.#flight !== undefined;
  }

  /** Of our alerts: 1 once our ChangeCipherSpec is out. */
  get writeEpoch(): 0 | 1 {
    return this.#writeEpoch;
  }

  /** When it has to be sent again, unless the peer answers: `settle` or another `send`. */
  dueAt: Millis = NEVER;

  /** The network changed: over one that loses nothing no timer is needed. */
  setReliable(reliable: boolean, now: Millis): void {
    if (reliable === this.#reliable) return;
    this.#reliable = reliable;
    this.#arm(now);
  }

  /** Sends a flight that answers the peer's message number `answers`, -1 for none. */
  send(flight: Flight, answers: number, now: Millis): void {
    this.#flight = flight;
    this.#answers = answers;
    this.#waitMillis = RETRANSMIT_MILLIS;
    this.#transmit(flight, now);
  }

  repeat(now: Millis): void {
    if (this.#flight === undefined) return;
    this.#counters.resentFlights++;
    this.#transmit(this.#flight, now);
  }

  handleTimeout(now: Millis): void {
    if (now < this.dueAt) return;
    this.#waitMillis *= 2;
    this.repeat(now);
  }

  /** A message that was handled comes again. If it ends the flight ours answered, ours was lost. */
  handleRepeat(fragment: HandshakeFragment, now: Millis): void {
    const isEnd = fragment.offset + fragment.body.length === fragment.length;
    if (fragment.messageSeq !== this.#answers || !isEnd) return;
    if (now - this.#sentAt >= RESEND_GAP_MILLIS) this.repeat(now);
  }

  /** Nothing more to wait for. The flight is kept: the peer may have missed it. */
  settle(): void {
    this.#settled = true;
    this.#waiting = false;
    this.dueAt = NEVER;
  }

  #transmit(flight: Flight, now: Millis): void {
    this.#outbox.writeFlight(flight);
    if (flight.items.some((item) => item.kind === "change_cipher_spec")) this.#writeEpoch = 1;
    this.#sentAt = now;
    this.#waiting = flight.awaitsReply && !this.#settled;
    this.#arm(now);
  }

  #arm(now: Millis): void {
    this.dueAt = this.#waiting && !this.#reliable ? now + this.#waitMillis : NEVER;
  }
}
