/** One pair of a controlling agent, and its transactions. @module */
import { type Endpoint, type Millis, NEVER } from "../../base/mod.ts";
import type { PairId, Transport } from "./ice_pairs.ts";

/** First wait for an answer over UDP (RFC 8489 §6.2.1); it doubles with every retransmission. */
export const RTO_MILLIS: Millis = 500;
/** Times a request is sent over UDP (RFC 8489 §6.2.1, Rc). */
export const MAX_SENDS = 7;
/** The last wait, in RTOs (RFC 8489 §6.2.1, Rm). */
const LAST_WAIT = 16;
/** Over TCP a request is sent once and waited for so long (RFC 8489 §6.2.2, Ti). */
export const TCP_WAIT_MILLIS: Millis = 39_500;
/** Consent checks of a pair that wait for an answer; an older one does not count any more. */
export const MAX_OUTSTANDING = 8;

/** A request that may still be answered. */
export interface Check {
  readonly transactionId: Uint8Array;
  readonly bytes: Uint8Array;
  readonly nominates: boolean;
  /** The role it claims. */
  readonly controlling: boolean;
}

/** `checking`: a first answer is waited for. `valid`: one came. `failed`: none will. */
export type PairState = "waiting" | "checking" | "valid" | "failed";

export class CheckedPair {
  readonly id: PairId;
  readonly transport: Transport;
  readonly remote: Endpoint;
  /** Place among the pairs, in the order in which they were opened: the owner's preference. */
  readonly place: number;
  state: PairState = "waiting";
  /** Whether a valid check of the peer came by this pair. */
  peerChecked = false;
  /** Whether the peer, where it controls, has chosen this pair. */
  peerNominates = false;
  /** When consent was last given: the latest valid answer. */
  consentAt: Millis = NEVER;
  /** When to send or to give up next. */
  dueAt: Millis;
  readonly #checks: Check[] = [];
  /** The check that is repeated until it is answered. */
  #repeated: Check | undefined;
  #sends = 0;

  constructor(id: PairId, transport: Transport, remote: Endpoint, place: number, dueAt: Millis) {
    this.id = id;
    this.transport = transport;
    this.remote = remote;
    this.place = place;
    this.dueAt = dueAt;
  }

  /** Notes a check that goes out for the first time, and is repeated over UDP until answered. */
  start(check: Check, now: Millis): void {
    this.#note(check);
    this.#repeated = check;
    this.#sends = 1;
    this.dueAt = now + (this.transport === "udp" ? RTO_MILLIS : TCP_WAIT_MILLIS);
  }

  /** Notes a check of consent, which is sent once (RFC 7675 §5.1). */
  ask(check: Check): void {
    this.#note(check);
  }

  get repeating(): boolean {
    return this.#repeated !== undefined;
  }

  /** Whether the check that is repeated would nominate. */
  get nominating(): boolean {
    return this.#repeated?.nominates === true;
  }

  /** The check to send again, or `undefined` when it has been sent often enough. */
  repeat(now: Millis): Check | undefined {
    const check = this.#repeated;
    if (check === undefined || this.transport === "tcp" || this.#sends >= MAX_SENDS) {
      return undefined;
    }
    this.#sends++;
    const last = this.#sends === MAX_SENDS;
    this.dueAt = now + RTO_MILLIS * (last ? LAST_WAIT : 2 ** (this.#sends - 1));
    return check;
  }

  /** The check that this transaction answers, which then is done. */
  take(transactionId: Uint8Array): Check | undefined {
    const at = this.#checks.findIndex((check) => sameId(check.transactionId, transactionId));
    const [check] = at < 0 ? [] : this.#checks.splice(at, 1);
    if (check !== undefined && check === this.#repeated) this.settle();
    return check;
  }

  /** Nothing is repeated any more. */
  settle(): void {
    this.#repeated = undefined;
    this.dueAt = NEVER;
  }

  #note(check: Check): void {
    this.#checks.push(check);
    if (this.#checks.length > MAX_OUTSTANDING) this.#checks.shift();
  }
}

function sameId(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
