/**
 * The ICE-lite agent of one WebRTC session (RFC 8445 §2.5, RFC 6544 for TCP, RFC 7675 for consent).
 *
 * It answers the peer's checks and says which pair to send on. It never sends a check, so it is
 * always controlled. A session holds any number of pairs, TCP connections and UDP 5-tuples alike:
 * Chromium opens two connections, starts DTLS on the first before it nominates either, nominates
 * both and moves all media to the second; Firefox opens one and nominates in its very first check
 * only.
 *
 * @module
 */
import {
  type CryptoProvider,
  type Fault,
  isFault,
  type Millis,
  NEVER,
  Timers,
} from "../../base/mod.ts";
import {
  Attr,
  attribute,
  BINDING_ERROR,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  decodeStun,
  encodeStun,
  encodeXorMappedAddress,
  type StunAttribute,
  type StunMessage,
  stunClass,
  unknownRequired,
} from "../../wire/stun/mod.ts";
import type { IceAgent, IceEvent, IceExpiry, IceInput, IceTransmit } from "./ice_agent.ts";
import type { IceCredentials } from "./ice_credentials.ts";
import { type IceGeneration, IceGenerations } from "./ice_generations.ts";
import { type PairId, Pairs } from "./ice_pairs.ts";
import {
  encodeRefusal,
  errorCode,
  ICE_RESTARTED,
  NO_CONSENT,
  REPLAYED_CHECK,
  ROLE_CONFLICT,
  TOO_MANY_PAIRS,
  UNKNOWN_ATTRIBUTE,
  UNKNOWN_METHOD,
  unknownAttributes,
} from "./ice_refusal.ts";
import { RecentTransactions } from "./recent_transactions.ts";

/** Pairs of one session; a browser has one or two, and a few more after a change of network. */
export const MAX_PAIRS: number = 16;
/** How long a session without any pair waits for the peer to come back. */
export const GRACE_MILLIS: Millis = 10_000;
/** Consent expires so long after the latest valid check (RFC 7675 §5.1). */
export const CONSENT_MILLIS: Millis = 30_000;
/** How long a new session waits for its first valid check. */
export const FIRST_CHECK_MILLIS: Millis = 30_000;

export interface IceLiteOptions {
  readonly local: IceCredentials;
  readonly crypto: Pick<CryptoProvider, "hmac" | "equal">;
  readonly now: Millis;
  /** Default `MAX_PAIRS`. */
  readonly maxPairs?: number;
  /** Default `GRACE_MILLIS`. */
  readonly graceMillis?: Millis;
  /** Default `CONSENT_MILLIS`. */
  readonly consentMillis?: Millis;
  /** Default `FIRST_CHECK_MILLIS`. */
  readonly firstCheckMillis?: Millis;
}

export type { IceEvent, IceExpiry, IceInput, IceTransmit };

export class IceLite implements IceAgent {
  readonly #generations: IceGenerations;
  readonly #maxPairs: number;
  readonly #graceMillis: Millis;
  readonly #consentMillis: Millis;
  readonly #pairs = new Pairs();
  readonly #recent = new RecentTransactions();
  readonly #timers = new Timers<"first-check" | "grace" | "consent" | "retire" | "silence">();
  readonly #transmits: IceTransmit[] = [];
  readonly #events: IceEvent[] = [];
  #selected: PairId | undefined;
  #nominated = false;
  #expired = false;

  constructor(options: IceLiteOptions) {
    this.#generations = new IceGenerations(options.crypto, options.local);
    this.#maxPairs = options.maxPairs ?? MAX_PAIRS;
    this.#graceMillis = options.graceMillis ?? GRACE_MILLIS;
    this.#consentMillis = options.consentMillis ?? CONSENT_MILLIS;
    const wait = options.firstCheckMillis ?? FIRST_CHECK_MILLIS;
    this.#timers.arm("first-check", options.now + wait);
  }

  /** The pair to send on, if there is one. */
  get selected(): PairId | undefined {
    return this.#selected;
  }

  /** Whether nothing may be sent any more. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Whether a check on this pair was authenticated: DTLS and SRTP count from such a pair only. */
  isValid(pair: PairId): boolean {
    return this.#pairs.get(pair) !== undefined;
  }

  /** Every valid pair, for closing them when the session ends. */
  validPairs(): Iterable<PairId> {
    return this.#pairs.ids();
  }

  /**
   * An ICE restart with new credentials of ours (RFC 8445 §9). All pairs stay: the selected one
   * carries on until the peer nominates another by the new credentials.
   */
  restart(local: IceCredentials, now: Millis): void {
    if (this.#expired) return;
    for (const generation of this.#generations.restart(local)) this.#retire(generation, now);
    // Who restarts without a connection is about to make one.
    if (this.#timers.isArmed("grace")) this.#timers.arm("grace", now + this.#graceMillis);
  }

  /**
   * A check that was seen on a pair already, and comes from another address, is somebody's copy: it
   * would turn media to whoever is named as its sender.
   */
  vet(datagram: Uint8Array): Fault | undefined {
    const message = decodeStun(datagram);
    if (isFault(message)) return message;
    if (message.type !== BINDING_REQUEST) return UNKNOWN_METHOD;
    const generation = this.#generations.authenticate(message);
    if (isFault(generation)) return generation;
    return this.#recent.has(message.transactionId) ? REPLAYED_CHECK : undefined;
  }

  /** Takes one packet that starts like STUN (first byte 0 to 3). */
  handleInput(input: IceInput, now: Millis): void {
    if (this.#expired) return;
    const message = decodeStun(input.bytes);
    if (isFault(message)) {
      this.#refuse(input, message);
      // Over TCP the framing may be lost, and it cannot be found again; over UDP anybody sends
      // anything.
      if (input.transport === "tcp") this.#close(input.pair, message, now);
      return;
    }
    // Indications want no answer, and we asked nothing that a response could answer.
    if (stunClass(message.type) !== "request") return;
    const generation = this.#generations.authenticate(message);
    if (isFault(generation)) this.#refuseUnauthenticated(input, generation, now);
    else this.#handleRequest(input, message, generation, now);
  }

  /**
   * Notes that a DTLS packet was accepted from a valid pair. Before the peer nominates, we send
   * where it was last heard. Anything else about the pair stays as it is: only checks give consent.
   */
  handlePeerData(id: PairId, now: Millis): void {
    const pair = this.#pairs.get(id);
    if (pair === undefined || this.#expired) return;
    this.#pairs.heard(pair, now);
    this.#select(now);
  }

  handlePeerMedia(id: PairId, now: Millis): void {
    const pair = this.#pairs.get(id);
    if (pair === undefined || this.#expired) return;
    this.#pairs.spoke(pair, now);
    if (id !== this.#selected) this.#select(now);
  }

  /** The connection of this pair is gone. Harmless for an unknown one. */
  handlePairClosed(pair: PairId, now: Millis): void {
    if (this.#expired || !this.#pairs.delete(pair)) return;
    this.#select(now);
    this.#armConsent();
    if (this.#pairs.size === 0) this.#timers.arm("grace", now + this.#graceMillis);
  }

  handleTimeout(now: Millis): void {
    for (let due = this.#timers.expire(now); due !== undefined; due = this.#timers.expire(now)) {
      if (this.#expired) return;
      if (due === "grace") this.#expire("grace");
      else if (due === "first-check") this.#expire("unreached");
      else if (due === "retire") this.#retireOld(now);
      else if (due === "silence") this.#select(now);
      else this.#dropUnconsented(now);
    }
  }

  pollTransmit(): IceTransmit | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): IceEvent | undefined {
    return this.#events.shift();
  }

  nextTimeout(): Millis {
    return this.#timers.next();
  }

  #refuseUnauthenticated(input: IceInput, why: Fault, now: Millis): void {
    this.#refuse(input, why);
    if (input.transport !== "tcp") return; // an answer would go to whoever the sender names
    const bytes = encodeRefusal(input.bytes, why);
    if (bytes !== undefined) this.#transmits.push({ pair: input.pair, bytes });
    this.#close(input.pair, why, now);
  }

  #handleRequest(
    input: IceInput,
    request: StunMessage,
    generation: IceGeneration,
    now: Millis,
  ): void {
    const unknown = unknownRequired(request);
    if (request.type !== BINDING_REQUEST) {
      this.#refuse(input, UNKNOWN_METHOD);
    } else if (unknown.length > 0) {
      this.#refuse(input, UNKNOWN_ATTRIBUTE);
      this.#answer(input, request, generation, BINDING_ERROR, unknownAttributes(unknown));
    } else if (attribute(request, Attr.IceControlled) !== undefined) {
      this.#refuse(input, ROLE_CONFLICT);
      this.#answer(input, request, generation, BINDING_ERROR, [errorCode(487)]);
    } else {
      this.#accept(input, request, generation, now);
    }
  }

  #accept(input: IceInput, request: StunMessage, generation: IceGeneration, now: Millis): void {
    this.#answer(input, request, generation, BINDING_SUCCESS, [
      encodeXorMappedAddress(input.remote, request.transactionId),
    ]);
    // Who repeats a request has not got our answer. Firefox nominates in its first checks already: where
    // nothing of ours comes through, their repetitions must not look like a choice.
    const repeated = input.transport === "udp" && this.#recent.has(request.transactionId);
    const nominates = attribute(request, Attr.UseCandidate) !== undefined && !repeated;
    this.#pairs.checked(input.pair, input.transport, nominates, now, generation.number);
    if (nominates) {
      this.#generations.nominate(generation, now);
      this.#armRetire();
    }
    this.#timers.stop("first-check");
    this.#timers.stop("grace");
    this.#recent.add(request.transactionId);
    this.#keepBound(input.pair);
    this.#armConsent();
    this.#select(now);
  }

  #answer(
    input: IceInput,
    request: StunMessage,
    { hmac }: IceGeneration,
    type: number,
    attributes: readonly StunAttribute[],
  ): void {
    const draft = { type, transactionId: request.transactionId, attributes };
    this.#transmits.push({ pair: input.pair, bytes: encodeStun(draft, hmac) });
  }

  #refuse(input: IceInput, fault: Fault): void {
    this.#events.push({ type: "refused", pair: input.pair, fault });
  }

  #close(pair: PairId, fault: Fault, now: Millis): void {
    this.#events.push({ type: "close-pair", pair, fault });
    this.handlePairClosed(pair, now);
  }

  #keepBound(newcomer: PairId): void {
    if (this.#pairs.size <= this.#maxPairs) return;
    const pair = this.#pairs.leastWanted(newcomer);
    if (pair === undefined) return;
    this.#pairs.delete(pair);
    this.#events.push({ type: "close-pair", pair, fault: TOO_MANY_PAIRS });
  }

  #select(now: Millis): void {
    const best = this.#pairs.best(now);
    this.#timers.arm("silence", this.#pairs.silentAt(best, now));
    const nominated = best !== undefined && (this.#pairs.get(best)?.nominated ?? 0) > 0;
    if (best === this.#selected && nominated === this.#nominated) return;
    this.#selected = best;
    this.#nominated = nominated;
    if (best !== undefined) this.#events.push({ type: "selected", pair: best, nominated });
  }

  #armConsent(): void {
    const oldest = this.#pairs.oldestCheck();
    if (oldest === undefined) this.#timers.stop("consent");
    else this.#timers.arm("consent", oldest + this.#consentMillis);
  }

  #dropUnconsented(now: Millis): void {
    const next = (): PairId | undefined => this.#pairs.unchecked(this.#consentMillis, now);
    for (let id = next(); id !== undefined; id = next()) {
      this.#pairs.delete(id);
      this.#events.push({ type: "close-pair", pair: id, fault: NO_CONSENT });
    }
    if (this.#pairs.size === 0) this.#expire("consent");
    else this.#select(now);
    this.#armConsent();
  }

  #retireOld(now: Millis): void {
    const next = (): IceGeneration | undefined => this.#generations.pollRetired(now);
    for (let old = next(); old !== undefined; old = next()) this.#retire(old, now);
    this.#armRetire();
  }

  /** Nobody answers to these credentials any more; pairs that had no others go with them. */
  #retire({ number, ufrag }: IceGeneration, now: Millis): void {
    this.#events.push({ type: "retired", ufrag });
    for (const pair of [...this.#pairs.ofGeneration(number)]) {
      this.#close(pair, ICE_RESTARTED, now);
    }
  }

  #armRetire(): void {
    const next = this.#generations.nextTimeout();
    if (next !== NEVER) this.#timers.arm("retire", next);
  }

  #expire(reason: IceExpiry): void {
    this.#expired = true;
    this.#selected = undefined;
    for (const timer of ["first-check", "grace", "consent", "retire", "silence"] as const)
      this.#timers.stop(timer);
    this.#events.push({ type: "expired", reason });
  }
}
