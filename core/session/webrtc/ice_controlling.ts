/**
 * The full ICE agent of a session we offered (RFC 8445): it checks the far end's candidates, over
 * TCP those we have dialled (RFC 6544 §4.1: we are active), chooses a pair and keeps asking for
 * consent on it (RFC 7675).
 *
 * Pairs are the owner's: it opens the best first, and so says what is preferred. Nomination is
 * regular (RFC 8445 §8.1.1): the first pair in this order that answers is nominated, after those
 * before it have had `PATIENCE_MILLIS` to answer. When a role conflict is lost, as it can be
 * against another full agent only, the peer nominates (§7.3.1.1).
 *
 * @module
 */
import {
  type CryptoProvider,
  type Endpoint,
  Fault,
  type Hmac,
  isFault,
  type Millis,
  NEVER,
  Timers,
} from "../../base/mod.ts";
import { latin1Bytes, u8 } from "../../bytes/mod.ts";
import {
  Attr,
  attribute,
  BINDING_ERROR,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  decodeErrorCode,
  decodeStun,
  encodeStun,
  encodeXorMappedAddress,
  hasIntegrity,
  type StunAttribute,
  type StunMessage,
  stunClass,
  unknownRequired,
} from "../../wire/stun/mod.ts";
import type { IceAgent, IceEvent, IceExpiry, IceInput, IceTransmit } from "./ice_agent.ts";
import { authenticateCheck, encodeCheck } from "./ice_check.ts";
import { type Check, CheckedPair } from "./ice_checked_pair.ts";
import type { IceCredentials } from "./ice_credentials.ts";
import type { PairId, Transport } from "./ice_pairs.ts";
import {
  BAD_INTEGRITY,
  errorCode,
  ROLE_CONFLICT,
  TOO_MANY_PAIRS,
  UNKNOWN_ATTRIBUTE,
  UNKNOWN_METHOD,
  unknownAttributes,
} from "./ice_refusal.ts";
import { IceRole } from "./ice_role.ts";

/** Pairs of one session. */
export const MAX_CHECKED_PAIRS = 16;
/** Between the first checks of two pairs (RFC 8445 §14.2, Ta). */
export const PACE_MILLIS: Millis = 50;
/** How long a valid pair waits for those before it. */
export const PATIENCE_MILLIS: Millis = 300;
/** Until a pair is nominated. */
export const REACH_MILLIS: Millis = 20_000;
/** How long a session that has lost its pair waits for another. */
export const REDIAL_MILLIS: Millis = 10_000;
/** Mean time between two checks of consent, and how far it varies (RFC 7675 §5.1: 0.8 to 1.2). */
export const CONSENT_CHECK_MILLIS: Millis = 5000;
const CONSENT_CHECK_SPREAD_MILLIS: Millis = 2000;
/** Consent expires so long after the latest answer (RFC 7675 §5.1). */
const CONSENT_MILLIS: Millis = 30_000;
/** PRIORITY of a check: that of a peer-reflexive candidate (RFC 8445 §7.1.1). */
const PEER_REFLEXIVE_PREFERENCE = 110;

/** The far end answers checks with an error, or not at all. */
export const CHECK_FAILED: Fault = /* @__PURE__ */ new Fault(
  "core/session/webrtc",
  "check-failed",
  "RFC 8445 §7.2.5.2",
);

export interface IceControllingOptions {
  readonly local: IceCredentials;
  readonly remote: IceCredentials;
  readonly crypto: Pick<CryptoProvider, "hmac" | "equal" | "random">;
  readonly now: Millis;
  /** Default 30,000. */
  readonly consentMillis?: Millis;
  /** Default `REACH_MILLIS`. */
  readonly reachMillis?: Millis;
}

type Timer = "reach" | "patience" | "redial" | "ask" | "consent";

export class IceControlling implements IceAgent {
  readonly #options: IceControllingOptions;
  readonly #localHmac: Hmac;
  readonly #remoteHmac: Hmac;
  readonly #role: IceRole;
  readonly #consentMillis: Millis;
  readonly #pairs = new Map<PairId, CheckedPair>();
  readonly #timers = new Timers<Timer>();
  readonly #transmits: IceTransmit[] = [];
  readonly #events: IceEvent[] = [];
  #opened = 0;
  #pacedAt: Millis = 0;
  #selected: CheckedPair | undefined;
  #expired = false;

  constructor(options: IceControllingOptions) {
    const { crypto, local, remote } = options;
    this.#options = options;
    this.#localHmac = crypto.hmac("sha1", latin1Bytes(local.pwd));
    this.#remoteHmac = crypto.hmac("sha1", latin1Bytes(remote.pwd));
    this.#consentMillis = options.consentMillis ?? CONSENT_MILLIS;
    this.#role = new IceRole(crypto);
    this.#timers.arm("reach", options.now + (options.reachMillis ?? REACH_MILLIS));
  }

  get selected(): PairId | undefined {
    return this.#selected?.id;
  }

  get expired(): boolean {
    return this.#expired;
  }

  /** Whether we decide which pair is used. */
  get controlling(): boolean {
    return this.#role.controlling;
  }

  isValid(pair: PairId): boolean {
    const found = this.#pairs.get(pair);
    return found !== undefined && (found.state === "valid" || found.peerChecked);
  }

  handlePairOpened(id: PairId, transport: Transport, remote: Endpoint, now: Millis): void {
    if (this.#expired) return;
    if (this.#pairs.size >= MAX_CHECKED_PAIRS) {
      this.#events.push({ type: "close-pair", pair: id, fault: TOO_MANY_PAIRS });
      return;
    }
    const dueAt = Math.max(now, this.#pacedAt);
    this.#pacedAt = dueAt + PACE_MILLIS;
    this.#pairs.set(id, new CheckedPair(id, transport, remote, this.#opened++, dueAt));
    this.#work(now);
  }

  /** Takes one packet that starts like STUN (first byte 0 to 3). */
  handleInput(input: IceInput, now: Millis): void {
    const pair = this.#pairs.get(input.pair);
    if (this.#expired || pair === undefined) return;
    const message = decodeStun(input.bytes);
    if (isFault(message)) {
      this.#refuse(pair, message);
      if (pair.transport === "tcp") this.#close(pair, message, now);
      return;
    }
    const kind = stunClass(message.type);
    if (kind === "request") this.#handleRequest(pair, message, now);
    else if (kind !== "indication") this.#handleResponse(pair, message, kind === "success", now);
    this.#work(now);
  }

  /** The pair is ours to choose: where the peer sends from says nothing. */
  handlePeerData(): void {}

  handlePairClosed(id: PairId, now: Millis): void {
    const pair = this.#pairs.get(id);
    if (pair === undefined || this.#expired) return;
    this.#pairs.delete(id);
    if (pair !== this.#selected) return;
    this.#selected = undefined;
    this.#timers.stop("ask");
    this.#timers.stop("consent");
    this.#timers.arm("redial", now + REDIAL_MILLIS);
    this.#work(now);
  }

  handleTimeout(now: Millis): void {
    for (let due = this.#timers.expire(now); due !== undefined; due = this.#timers.expire(now)) {
      if (this.#expired) return;
      if (due === "reach") this.#expire("unreached");
      else if (due === "redial") this.#expire("grace");
      else if (due === "consent") this.#expire("consent");
      else if (due === "ask") this.#askConsent(now);
    }
    this.#work(now);
  }

  pollTransmit(): IceTransmit | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): IceEvent | undefined {
    return this.#events.shift();
  }

  nextTimeout(): Millis {
    if (this.#expired) return NEVER;
    let next = this.#timers.next();
    for (const pair of this.#pairs.values()) next = Math.min(next, pair.dueAt);
    return next;
  }

  /** Sends the checks that are due, gives up what is not answered, and nominates. */
  #work(now: Millis): void {
    if (this.#expired) return;
    for (const pair of [...this.#pairs.values()]) {
      if (pair.dueAt > now) continue;
      if (pair.repeating) this.#repeat(pair, now);
      else if (pair.state === "waiting") {
        pair.state = "checking";
        this.#check(pair, false, now);
      } else pair.settle();
    }
    this.#nominate(now);
  }

  #repeat(pair: CheckedPair, now: Millis): void {
    const check = pair.repeat(now);
    if (check !== undefined) this.#transmits.push({ pair: pair.id, bytes: check.bytes });
    else this.#fail(pair, now);
  }

  /** The best valid pair, once those before it have had their time (RFC 8445 §8.1.1). */
  #nominate(now: Millis): void {
    if (this.#selected !== undefined) return;
    let best: CheckedPair | undefined;
    let waits = false;
    for (const pair of this.#pairs.values()) {
      if (pair.nominating) return;
      if (pair.state === "valid" && (this.#role.controlling || pair.peerNominates)) {
        if (best === undefined || pair.place < best.place) best = pair;
      }
    }
    if (best === undefined) return;
    if (!this.#role.controlling) {
      this.#select(best, now);
      return;
    }
    for (const pair of this.#pairs.values()) {
      if (pair.place < best.place && pair.state !== "failed") waits = true;
    }
    if (waits && now < best.consentAt + PATIENCE_MILLIS) {
      this.#timers.arm("patience", best.consentAt + PATIENCE_MILLIS);
    } else {
      this.#check(best, true, now);
    }
  }

  #select(pair: CheckedPair, now: Millis): void {
    if (this.#selected === pair) return;
    this.#selected = pair;
    for (const timer of ["reach", "patience", "redial"] as const) this.#timers.stop(timer);
    this.#armAsk(now);
    this.#timers.arm("consent", pair.consentAt + this.#consentMillis);
    this.#events.push({ type: "selected", pair: pair.id, nominated: true });
  }

  /** A check that is repeated until it is answered. */
  #check(pair: CheckedPair, nominates: boolean, now: Millis): void {
    const check = this.#make(pair, nominates);
    pair.start(check, now);
    this.#transmits.push({ pair: pair.id, bytes: check.bytes });
  }

  #make(pair: CheckedPair, nominates: boolean): Check {
    const { crypto, local, remote } = this.#options;
    const transactionId = crypto.random(12);
    const bytes = encodeCheck(
      {
        transactionId,
        username: `${remote.ufrag}:${local.ufrag}`,
        controlling: this.#role.controlling,
        tiebreaker: this.#role.tiebreaker,
        priority: PEER_REFLEXIVE_PREFERENCE * 2 ** 24 + (65_535 - pair.place) * 2 ** 8 + 255,
        nominates: nominates && this.#role.controlling,
      },
      this.#remoteHmac,
    );
    return { transactionId, bytes, nominates, controlling: this.#role.controlling };
  }

  #handleResponse(pair: CheckedPair, message: StunMessage, success: boolean, now: Millis): void {
    // RFC 8489 §9.1.4: without the right integrity it is as if it had never come.
    if (!hasIntegrity(message, this.#remoteHmac, this.#options.crypto)) {
      this.#refuse(pair, BAD_INTEGRITY);
      return;
    }
    const check = pair.take(message.transactionId);
    if (check === undefined) return;
    if (!success) {
      this.#handleError(pair, check, message, now);
      return;
    }
    pair.state = "valid";
    pair.consentAt = now;
    if (check.nominates && this.#role.controlling && this.#selected === undefined) {
      this.#select(pair, now);
    }
    if (pair === this.#selected) this.#timers.arm("consent", now + this.#consentMillis);
  }

  #handleError(pair: CheckedPair, check: Check, message: StunMessage, now: Millis): void {
    const value = attribute(message, Attr.ErrorCode);
    const error = value === undefined ? undefined : decodeErrorCode(value);
    const conflict = error !== undefined && !isFault(error) && error.code === 487;
    if (!conflict) {
      if (pair !== this.#selected) this.#fail(pair, now);
      return;
    }
    this.#role.yield(check.controlling);
    if (pair !== this.#selected) this.#check(pair, false, now);
  }

  #handleRequest(pair: CheckedPair, request: StunMessage, now: Millis): void {
    const { local, crypto } = this.#options;
    const wrong = authenticateCheck(request, local.ufrag, this.#localHmac, crypto);
    const unknown = unknownRequired(request);
    if (wrong !== undefined) this.#refuse(pair, wrong);
    else if (request.type !== BINDING_REQUEST) this.#refuse(pair, UNKNOWN_METHOD);
    else if (unknown.length > 0) {
      this.#refuse(pair, UNKNOWN_ATTRIBUTE);
      this.#answer(pair, request, BINDING_ERROR, unknownAttributes(unknown));
    } else if (!this.#role.settle(request)) {
      this.#refuse(pair, ROLE_CONFLICT);
      this.#answer(pair, request, BINDING_ERROR, [errorCode(487)]);
    } else {
      this.#accept(pair, request, now);
    }
  }

  #accept(pair: CheckedPair, request: StunMessage, now: Millis): void {
    this.#answer(pair, request, BINDING_SUCCESS, [
      encodeXorMappedAddress(pair.remote, request.transactionId),
    ]);
    pair.peerChecked = true;
    if (!this.#role.controlling && attribute(request, Attr.UseCandidate) !== undefined) {
      pair.peerNominates = true;
      if (pair.state === "valid") this.#select(pair, now);
    }
    // A triggered check (RFC 8445 §7.3.1.4): the way there is open now.
    if (pair.state === "failed") {
      pair.state = "checking";
      this.#check(pair, false, now);
    }
  }

  #answer(
    pair: CheckedPair,
    request: StunMessage,
    type: number,
    attributes: readonly StunAttribute[],
  ): void {
    const draft = { type, transactionId: request.transactionId, attributes };
    this.#transmits.push({ pair: pair.id, bytes: encodeStun(draft, this.#localHmac) });
  }

  #askConsent(now: Millis): void {
    const pair = this.#selected;
    if (pair === undefined) return;
    const check = this.#make(pair, false);
    pair.ask(check);
    this.#transmits.push({ pair: pair.id, bytes: check.bytes });
    this.#armAsk(now);
  }

  #armAsk(now: Millis): void {
    const share = u8(this.#options.crypto.random(1), 0) / 255 - 0.5;
    this.#timers.arm("ask", now + CONSENT_CHECK_MILLIS + share * CONSENT_CHECK_SPREAD_MILLIS);
  }

  /** Over TCP there is no other way to this end: its connection is of no use any more. */
  #fail(pair: CheckedPair, now: Millis): void {
    pair.settle();
    pair.state = "failed";
    if (pair.transport === "tcp") this.#close(pair, CHECK_FAILED, now);
    else this.#refuse(pair, CHECK_FAILED);
  }

  #refuse(pair: CheckedPair, fault: Fault): void {
    this.#events.push({ type: "refused", pair: pair.id, fault });
  }

  #close(pair: CheckedPair, fault: Fault, now: Millis): void {
    this.#events.push({ type: "close-pair", pair: pair.id, fault });
    this.handlePairClosed(pair.id, now);
  }

  #expire(reason: IceExpiry): void {
    this.#expired = true;
    this.#selected = undefined;
    this.#events.push({ type: "expired", reason });
  }
}
