import { isFault, type Machine, type Millis, MonoportError, Timers } from "../../../base/mod.ts";
import {
  AlertDescription,
  AlertLevel,
  ContentType,
  DTLS_1_0,
  DTLS_1_2,
  type DtlsRecord,
  decodeAlert,
  decodeHandshakeFragment,
  decodeRecord,
  encodeAlert,
  HANDSHAKE_HEADER_BYTES,
  type HandshakeFragment,
  HandshakeType,
  RECORD_HEADER_BYTES,
} from "../../../wire/dtls/mod.ts";
import { ClientHandshake } from "./client_handshake.ts";
import { type Established, type Handshake, isRefusal, type Step } from "./exchange.ts";
import { FlightSender } from "./flight_sender.ts";
import {
  DEFAULT_HANDSHAKE_MILLIS,
  DEFAULT_MTU,
  type DtlsCounters,
  type DtlsEvent,
  type DtlsNetwork,
  type DtlsOptions,
  MIN_MTU,
  zeroCounters,
} from "./options.ts";
import { Outbox } from "./outbox.ts";
import { ProtectedInput } from "./protected_input.ts";
import { MAX_MESSAGES_AHEAD, Reassembly } from "./reassembly.ts";
import {
  HANDSHAKE_TIMEOUT,
  MESSAGE_TOO_LONG,
  malformed,
  PEER_ALERT,
  Refusal,
  SEQUENCE_EXHAUSTED,
  WRONG_EPOCH,
} from "./refusal.ts";
import { ServerHandshake } from "./server_handshake.ts";

/**
 * Over UDP anybody may put a plaintext record in: a bad handshake message or a plaintext alert
 * ends the handshake when the peer has not gone on within this time (he retransmits sooner).
 */
const DOUBT_MILLIS: Millis = 3_000;
/** Alerts that answer a well-formed ClientHello. */
const NOT_FOR_US: ReadonlySet<number> = new Set([
  AlertDescription.handshake_failure,
  AlertDescription.protocol_version,
]);
/** Our `no_renegotiation` alerts in a session; further requests are passed over. */
const MAX_RENEGOTIATION_ALERTS = 4;
/** Above it a forged ClientHello could use up our sequence numbers. */
const MAX_HELLO_SEQUENCE: number = 2 ** 32;

type State = "waiting" | "handshake" | "connected" | "over";
type Timer = "deadline" | "doubt";

/**
 * One DTLS association. A datagram in or out is a UDP datagram or an RFC 4571 frame, of one record
 * or several. The owner feeds it only what came from validated ICE pairs. After `failed`, `closed`
 * or `close()` all input is ignored.
 */
export class DtlsEndpoint implements Machine<Uint8Array, Uint8Array, DtlsEvent> {
  readonly counters: DtlsCounters = zeroCounters();
  readonly #options: DtlsOptions;
  readonly #handshake: Handshake;
  readonly #timers: Timers<Timer> = new Timers();
  readonly #outbox: Outbox;
  readonly #sender: FlightSender;
  readonly #inbox: Reassembly = new Reassembly();
  readonly #protected: ProtectedInput = new ProtectedInput(this.counters);
  readonly #events: DtlsEvent[] = [];
  #reliable: boolean;
  #state: State = "waiting";
  #doubt: Refusal | undefined;
  #renegotiationAlerts = 0;

  constructor(options: DtlsOptions) {
    const mtu = options.mtu ?? DEFAULT_MTU;
    if (mtu < MIN_MTU) throw new MonoportError("api-misuse", `MTU ${mtu} is below ${MIN_MTU}`);
    this.#options = options;
    this.#reliable = options.reliable;
    this.#outbox = new Outbox(Math.min(mtu, 16_384));
    this.#sender = new FlightSender(this.#outbox, this.counters, options.reliable);
    this.#handshake =
      options.role === "server"
        ? new ServerHandshake(options, options.reliable ? undefined : options.cookie)
        : new ClientHandshake(options);
  }

  get connected(): boolean {
    return this.#state === "connected";
  }

  /** Failed, closed by the peer or by us. */
  get over(): boolean {
    return this.#state === "over";
  }

  /** Bytes of handshake messages that are not whole yet. */
  get bufferedBytes(): number {
    return this.#inbox.bytes;
  }

  /** The peer is there: sends the ClientHello, or as a server waits for one, but not for ever. */
  start(now: Millis): void {
    if (this.#state !== "waiting" || this.#timers.isArmed("deadline")) return;
    const hello = this.#handshake instanceof ClientHandshake ? this.#handshake.start() : undefined;
    this.#begin(hello === undefined ? "waiting" : "handshake", now);
    if (hello !== undefined) this.#sender.send(hello, -1, now);
  }

  handleInput(datagram: Uint8Array, now: Millis): void {
    if (this.#state === "waiting" && this.#options.role === "client") return;
    for (let at = 0; at < datagram.length && !this.over; ) {
      const record = decodeRecord(datagram, at);
      if (isFault(record)) {
        this.counters.discardedRecords++;
        return;
      }
      at += RECORD_HEADER_BYTES + record.fragment.length;
      this.#handleRecord(record, now);
      for (const held of this.#protected.takeHeld()) {
        if (!this.over) this.#handleProtected(held, now);
      }
    }
    this.#checkExhaustion();
  }

  handleTimeout(now: Millis): void {
    if (this.over) return;
    this.#sender.handleTimeout(now);
    if (this.#timers.expire(now) !== undefined) {
      if (this.#doubt !== undefined) this.#fail(this.#doubt);
      else this.#end({ type: "failed", fault: HANDSHAKE_TIMEOUT });
    }
    this.#checkExhaustion();
  }

  /** The pair in use is of another kind than before: TCP for UDP, or the other way round. */
  setNetwork(network: DtlsNetwork, now: Millis): void {
    this.#reliable = network.reliable;
    this.#sender.setReliable(network.reliable, now);
    if (this.#handshake instanceof ServerHandshake) {
      this.#handshake.useCookies(network.reliable ? undefined : network.cookie);
    }
  }

  /** Sends our last flight again: the pair changed, and with it what was on its way may be lost. */
  resendFlight(now: Millis): void {
    if (this.over) return;
    this.#sender.repeat(now);
    this.#checkExhaustion();
  }

  /** Says goodbye. No event follows. */
  close(_now: Millis): void {
    if (this.#state === "handshake") {
      this.#alert(AlertLevel.warning, AlertDescription.user_canceled);
    }
    if (this.#state === "handshake" || this.#state === "connected") {
      this.#alert(AlertLevel.warning, AlertDescription.close_notify);
    }
    this.#end(undefined);
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#outbox.poll();
  }

  pollEvent(): DtlsEvent | undefined {
    return this.#events.shift();
  }

  nextTimeout(): Millis {
    return Math.min(this.#timers.next(), this.#sender.dueAt);
  }

  #begin(state: State, now: Millis): void {
    this.#state = state;
    this.#timers.arm("deadline", now + (this.#options.handshakeMillis ?? DEFAULT_HANDSHAKE_MILLIS));
  }

  #handleRecord(record: DtlsRecord, now: Millis): void {
    const { epoch, version } = record;
    const versionFits = version === DTLS_1_2 || (version === DTLS_1_0 && epoch === 0);
    // Once connected nothing without a tag counts: neither a ClientHello nor an alert.
    if (!versionFits || epoch > 1 || (epoch === 0 && this.#state === "connected")) {
      this.counters.discardedRecords++;
    } else if (epoch === 0) {
      this.#handlePlain(record, now);
    } else if (this.#protected.readable) {
      this.#handleProtected(record, now);
    } else {
      this.#protected.hold(record);
    }
  }

  #handlePlain(record: DtlsRecord, now: Millis): void {
    const { type, fragment } = record;
    if (type === ContentType.handshake) {
      this.#handleFragments(record, fragment, now);
    } else if (type === ContentType.alert && this.#sender.started) {
      this.#handleHandshakeAlert(fragment, false, now);
    } else if (!this.#protected.handleChangeCipherSpec(record)) {
      this.counters.discardedRecords++;
    }
  }

  #handleProtected(record: DtlsRecord, now: Millis): void {
    const plaintext = this.#protected.open(record);
    if (plaintext === undefined) return;
    if (record.type === ContentType.application_data) {
      this.counters.applicationRecords++;
    } else if (record.type === ContentType.alert) {
      if (this.#state === "connected") this.#handleAlert(plaintext);
      else this.#handleHandshakeAlert(plaintext, true, now);
    } else if (record.type !== ContentType.handshake) {
      this.counters.discardedRecords++;
    } else if (this.#state === "connected") {
      this.#handleLateHandshake(plaintext, now);
    } else {
      this.#handleFragments(record, plaintext, now);
    }
  }

  #handleFragments(record: DtlsRecord, bytes: Uint8Array, now: Millis): void {
    for (let at = 0; at < bytes.length && !this.over; ) {
      const fragment = decodeHandshakeFragment(bytes, at);
      if (isFault(fragment)) {
        this.#refuse(malformed(fragment), now);
        return;
      }
      at += HANDSHAKE_HEADER_BYTES + fragment.body.length;
      this.#handleFragment(record, fragment, now);
    }
  }

  #handleFragment(record: DtlsRecord, fragment: HandshakeFragment, now: Millis): void {
    if (this.#state === "waiting") this.#begin("handshake", now);
    if (fragment.type === HandshakeType.hello_request) return;
    if ((fragment.type === HandshakeType.finished) !== (record.epoch === 1)) {
      this.#refuse(WRONG_EPOCH, now);
      return;
    }
    if (!this.#sender.started && fragment.messageSeq < MAX_MESSAGES_AHEAD) {
      // A server's first ClientHello has any number: those refused with a cookie left no trace.
      if (fragment.messageSeq !== this.#inbox.next) this.#inbox.restart(fragment.messageSeq);
    }
    if (fragment.messageSeq < this.#inbox.next) {
      this.#sender.handleRepeat(fragment, now);
    } else if (this.#inbox.insert(fragment)) {
      this.#handleMessages(record, now);
    } else {
      this.#refuse(MESSAGE_TOO_LONG, now);
    }
  }

  #handleMessages(record: DtlsRecord, now: Millis): void {
    for (let message = this.#inbox.peek(); message !== undefined; message = this.#inbox.peek()) {
      const step = this.#handshake.handleMessage(message);
      if (isRefusal(step)) {
        this.#inbox.drop();
        this.#refuse(step, now);
        return;
      }
      if (step.stateless !== undefined) {
        this.#inbox.drop();
        this.#outbox.writeStateless(record.sequence, step.stateless);
        return;
      }
      this.#inbox.advance();
      this.#doubt = undefined;
      this.#timers.stop("doubt");
      this.#take(step, message.messageSeq, record, now);
    }
  }

  #take(step: Step, messageSeq: number, record: DtlsRecord, now: Millis): void {
    const { role } = this.#options;
    if (step.recordKeys !== undefined) {
      this.#outbox.protect(step.recordKeys[role]);
      this.#protected.unprotect(step.recordKeys[role === "client" ? "server" : "client"]);
    }
    if (step.flight !== undefined) {
      // The numbers before it went out with HelloVerifyRequests (RFC 6347 §4.2.1).
      if (!this.#reliable && !this.#sender.started) {
        this.#outbox.skipTo(0, Math.min(record.sequence, MAX_HELLO_SEQUENCE));
      }
      this.#sender.send(step.flight, messageSeq, now);
    }
    if (step.established !== undefined) this.#connect(step.established);
  }

  #connect(established: Established): void {
    const { profile, srtp, suite, extendedMasterSecret } = established;
    const { role } = this.#options;
    this.#state = "connected";
    this.#inbox.restart(this.#inbox.next);
    this.#settle();
    this.#events.push({
      type: "connected",
      profile,
      localKeys: srtp[role],
      remoteKeys: srtp[role === "client" ? "server" : "client"],
      cipherSuite: suite.id,
      extendedMasterSecret,
    });
  }

  #checkExhaustion(): void {
    if (this.#outbox.exhausted) this.#end({ type: "failed", fault: SEQUENCE_EXHAUSTED });
  }

  /** A handshake message under the session's keys, when there is nothing left to shake. */
  #handleLateHandshake(bytes: Uint8Array, now: Millis): void {
    const fragment = decodeHandshakeFragment(bytes);
    if (isFault(fragment)) {
      this.counters.discardedRecords++;
    } else if (fragment.type === HandshakeType.finished) {
      this.#sender.handleRepeat(fragment, now);
    } else if (this.#renegotiationAlerts++ < MAX_RENEGOTIATION_ALERTS) {
      this.#alert(AlertLevel.warning, AlertDescription.no_renegotiation);
    }
  }

  /** An alert under the session's keys. */
  #handleAlert(bytes: Uint8Array): void {
    const alert = decodeAlert(bytes);
    if (isFault(alert)) {
      this.counters.discardedRecords++;
    } else if (alert.description === AlertDescription.close_notify) {
      this.#alert(AlertLevel.warning, AlertDescription.close_notify);
      this.#end({ type: "closed" });
    } else if (alert.level === AlertLevel.fatal) {
      this.#end({ type: "failed", fault: PEER_ALERT, alert: alert.description });
    }
  }

  #handleHandshakeAlert(bytes: Uint8Array, authentic: boolean, now: Millis): void {
    const alert = decodeAlert(bytes);
    if (isFault(alert)) {
      this.counters.discardedRecords++;
      return;
    }
    const { level, description } = alert;
    if (level !== AlertLevel.fatal && description !== AlertDescription.close_notify) return;
    if (authentic || this.#reliable) {
      this.#end({ type: "failed", fault: PEER_ALERT, alert: description });
    } else {
      this.#suspect(new Refusal(PEER_ALERT, description), now);
    }
  }

  #refuse(refusal: Refusal, now: Millis): void {
    const waits = this.#options.role === "server" && !this.#sender.started;
    if (this.#reliable) this.#fail(refusal);
    // Who waits for a client goes on waiting, unless what came was a hello, only not one for us.
    else if (waits && !NOT_FOR_US.has(refusal.alert)) this.#doubt ??= refusal;
    else this.#suspect(refusal, now);
  }

  #suspect(refusal: Refusal, now: Millis): void {
    if (this.#timers.isArmed("doubt")) return;
    this.#doubt = refusal;
    this.#timers.arm("doubt", now + DOUBT_MILLIS);
  }

  #fail(refusal: Refusal): void {
    if (refusal.fault !== PEER_ALERT) this.#alert(AlertLevel.fatal, refusal.alert);
    this.#end({ type: "failed", fault: refusal.fault, alert: refusal.alert });
  }

  #alert(level: number, description: number): void {
    const fragment = encodeAlert({ level, description });
    this.#outbox.writeRecord(this.#sender.writeEpoch, ContentType.alert, fragment);
  }

  /** Nothing is waited for any more. */
  #settle(): void {
    this.#sender.settle();
    this.#timers.stop("deadline");
    this.#timers.stop("doubt");
  }

  #end(event: DtlsEvent | undefined): void {
    if (this.over) return;
    this.#state = "over";
    this.#protected.erase();
    this.#inbox.restart(0);
    this.#settle();
    if (event !== undefined) this.#events.push(event);
  }
}
