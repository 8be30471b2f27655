/**
 * The transport of one WebRTC session: ICE-lite, DTLS and SRTP over any number of pairs.
 *
 * All state belongs to the session, none to a connection: Chromium finishes DTLS on one TCP
 * connection and moves its media to another, and a peer that lost its connection comes back on a
 * new one with the same keys (RFC 5245 §1 calls what stays the "media session").
 *
 * What arrives is told apart by its first byte (RFC 7983 §7): 0 to 3 STUN, 20 to 63 DTLS, 128 to
 * 191 RTP and RTCP. DTLS and SRTP count only from a pair on which ICE has authenticated the peer.
 *
 * @module
 */
import {
  type CryptoProvider,
  type Endpoint,
  type Fault,
  isFault,
  type Machine,
  type Millis,
} from "../../base/mod.ts";
import { u8 } from "../../bytes/mod.ts";
import { Deframer, framed } from "../../wire/rfc4571/mod.ts";
import { isRtcp } from "../../wire/rtcp/mod.ts";
import { SrtpReceiver, SrtpSender } from "../../wire/srtp/mod.ts";
import { DtlsEndpoint, type DtlsEvent } from "./dtls/mod.ts";
import type { IceAgent } from "./ice_agent.ts";
import type { IceCredentials } from "./ice_credentials.ts";
import { IceLite } from "./ice_lite.ts";
import type { PairId, Transport } from "./ice_pairs.ts";
import { NO_CREDENTIALS } from "./ice_refusal.ts";
import type { CloseReason, TransportEvent } from "./transport_event.ts";
import {
  type MediaSink,
  NO_KEYS,
  SRTP_PROFILES,
  type TransportInput,
  type TransportOptions,
  type TransportOutput,
  UNKNOWN_PACKET,
  UNVALIDATED_PAIR,
} from "./transport_types.ts";
import { UnprovenPairs } from "./unproven_pairs.ts";

export type {
  CloseReason,
  MediaSink,
  TransportEvent,
  TransportInput,
  TransportOptions,
  TransportOutput,
};
export { NO_KEYS, SRTP_PROFILES, UNKNOWN_PACKET, UNVALIDATED_PAIR };

interface OpenPair {
  readonly transport: Transport;
  readonly remote: Endpoint;
  readonly deframer: Deframer | undefined;
}

export class WebRtcTransport implements Machine<TransportInput, TransportOutput, TransportEvent> {
  readonly #ice: IceAgent;
  readonly #dtls: DtlsEndpoint;
  readonly #crypto: CryptoProvider;
  readonly #sink: MediaSink;
  readonly #pairs = new Map<PairId, OpenPair>();
  readonly #unproven = new UnprovenPairs();
  readonly #transmits: TransportOutput[] = [];
  readonly #events: TransportEvent[] = [];
  #receiver: SrtpReceiver | undefined;
  #sender: SrtpSender | undefined;
  #closed = false;
  /** Open pairs of UDP. */
  #datagramPairs = 0;
  #reliable = true;
  /** The pair that was told of last. */
  #sendsTo: PairId | undefined;
  /** Packets that came, of all kinds. */
  received = 0;

  constructor(options: TransportOptions) {
    const { crypto, now } = options;
    this.#crypto = crypto;
    this.#sink = options.sink;
    this.#ice =
      options.agent ??
      new IceLite({
        local: options.ice,
        crypto,
        now,
        ...(options.consentMillis === undefined ? {} : { consentMillis: options.consentMillis }),
      });
    this.#dtls = new DtlsEndpoint({
      role: options.dtlsRole,
      crypto,
      certificate: options.certificate,
      peerFingerprints: options.peerFingerprints,
      srtpProfiles: options.srtpProfiles ?? SRTP_PROFILES,
      reliable: true,
    });
  }

  /** The pair that carries what we send; `undefined` while there is none. */
  get selected(): PairId | undefined {
    return this.#ice.selected;
  }

  get connected(): boolean {
    return this.#receiver !== undefined && !this.#closed;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * What speaks against taking a 5-tuple that sent this for a pair: nothing, when it shows the
   * session's password. Keeps nothing, answers nothing.
   */
  vet(datagram: Uint8Array): Fault | undefined {
    if (this.#closed || this.#ice.vet === undefined) return NO_CREDENTIALS;
    return this.#ice.vet(datagram);
  }

  /** Whether the peer has shown its password on this pair. */
  isValid(pair: PairId): boolean {
    return this.#pairs.has(pair) && this.#ice.isValid(pair);
  }

  /**
   * A connection of this session, or a 5-tuple whose first datagram was vetted; its id is never
   * used again.
   */
  openPair(pair: PairId, transport: Transport, remote: Endpoint, now: Millis): void {
    const deframer = transport === "tcp" ? new Deframer() : undefined;
    this.#pairs.set(pair, { transport, remote, deframer });
    if (transport === "udp") this.#datagramPairs++;
    this.#unproven.add(pair, now);
    this.#ice.handlePairOpened?.(pair, transport, remote, now);
    this.#closeUnproven(now);
  }

  /** The connection is gone. */
  handlePairClosed(pair: PairId, now: Millis): void {
    if (!this.#forget(pair)) return;
    this.#ice.handlePairClosed(pair, now);
    this.#drain(now);
  }

  handleInput({ pair, bytes }: TransportInput, now: Millis): void {
    const open = this.#pairs.get(pair);
    if (open === undefined || this.#closed) return;
    if (open.deframer === undefined) {
      this.#handlePacket(pair, open, bytes, now);
    } else {
      open.deframer.push(bytes);
      for (let packet = open.deframer.poll(); packet !== undefined; packet = open.deframer.poll()) {
        if (isFault(packet)) {
          this.#closePair(pair, packet, now);
          break;
        }
        this.#handlePacket(pair, open, packet, now);
        // What comes behind close_notify in the same read gets no answer any more.
        if (this.#closed || !this.#pairs.has(pair)) break;
      }
    }
    this.#drain(now);
  }

  handleTimeout(now: Millis): void {
    if (this.#closed) return;
    this.#closeUnproven(now);
    this.#ice.handleTimeout(now);
    this.#dtls.handleTimeout(now);
    this.#drain(now);
  }

  /** Sends one compound RTCP packet, if there is a pair and there are keys. */
  sendRtcp(plaintext: Uint8Array): void {
    const pair = this.#ice.selected;
    if (pair === undefined || this.#sender === undefined || this.#closed) return;
    const packet = this.#sender.protectRtcp(plaintext);
    if (isFault(packet)) this.#events.push({ type: "fault", fault: packet });
    else this.#transmit(pair, packet);
  }

  /** An ICE restart with new credentials of ours. DTLS, SRTP and the pairs stay as they are. */
  restartIce(local: IceCredentials, now: Millis): void {
    if (this.#closed) return;
    this.#ice.restart?.(local, now);
    this.#drain(now);
  }

  /** Ends the session with close_notify; nothing is sent after it (RFC 7675 §5.2). */
  close(now: Millis): void {
    if (this.#closed) return;
    this.#dtls.close(now);
    this.#drainDtls();
    this.#end("local");
  }

  pollTransmit(): TransportOutput | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): TransportEvent | undefined {
    return this.#events.shift();
  }

  nextTimeout(): Millis {
    if (this.#closed) return Number.POSITIVE_INFINITY;
    return Math.min(
      this.#ice.nextTimeout(),
      this.#dtls.nextTimeout(),
      this.#unproven.nextTimeout(),
    );
  }

  #handlePacket(pair: PairId, open: OpenPair, bytes: Uint8Array, now: Millis): void {
    this.received++;
    const first = bytes.length === 0 ? -1 : u8(bytes, 0);
    if (first >= 128 && first <= 191) {
      if (this.#ice.isValid(pair)) this.#handleMedia(pair, open, bytes, now);
      else this.#refuse(pair, open, UNVALIDATED_PAIR, now);
    } else if (first >= 0 && first <= 3) {
      this.#ice.handleInput({ pair, transport: open.transport, remote: open.remote, bytes }, now);
      if (this.#ice.isValid(pair)) this.#unproven.delete(pair);
      this.#drainIce(now);
    } else if (first >= 20 && first <= 63) {
      if (this.#ice.isValid(pair)) this.#handleDtls(pair, open, bytes, now);
      else this.#refuse(pair, open, UNVALIDATED_PAIR, now);
    } else {
      this.#refuse(pair, open, UNKNOWN_PACKET, now);
    }
  }

  #handleDtls(pair: PairId, open: OpenPair, bytes: Uint8Array, now: Millis): void {
    this.#ice.handlePeerData(pair, now);
    this.#dtls.handleInput(owned(open, bytes), now);
    this.#drainDtls();
  }

  #handleMedia(pair: PairId, open: OpenPair, bytes: Uint8Array, now: Millis): void {
    const receiver = this.#receiver;
    if (receiver === undefined) {
      this.#events.push({ type: "fault", fault: NO_KEYS });
      return;
    }
    if (isRtcp(bytes)) {
      const plain = receiver.unprotectRtcp(bytes);
      if (isFault(plain)) this.#events.push({ type: "fault", fault: plain });
      else this.#sink.onRtcp(owned(open, plain), now);
      if (isFault(plain)) return;
    } else {
      const plain = receiver.unprotect(bytes);
      if (isFault(plain)) this.#events.push({ type: "fault", fault: plain });
      else this.#sink.onRtp(owned(open, plain.packet), plain.index, now);
      if (isFault(plain)) return;
    }
    this.#ice.handlePeerMedia?.(pair, now);
  }

  /**
   * Garbage ends a TCP pair, whose framing cannot be trusted any more; a datagram is passed over.
   */
  #refuse(pair: PairId, open: OpenPair, why: Fault, now: Millis): void {
    this.#events.push({ type: "fault", fault: why });
    if (open.transport === "tcp") this.#closePair(pair, why, now);
  }

  #closePair(pair: PairId, why: Fault, now: Millis): void {
    this.#events.push({ type: "close-pair", pair, fault: why });
    this.#forget(pair);
    this.#ice.handlePairClosed(pair, now);
  }

  #forget(pair: PairId): boolean {
    if (this.#pairs.get(pair)?.transport === "udp") this.#datagramPairs--;
    this.#unproven.delete(pair);
    return this.#pairs.delete(pair);
  }

  #closeUnproven(now: Millis): void {
    for (
      let pair = this.#unproven.pollExpired(now);
      pair !== undefined;
      pair = this.#unproven.pollExpired(now)
    ) {
      this.#closePair(pair, UNVALIDATED_PAIR, now);
    }
  }

  #drain(now: Millis): void {
    this.#drainIce(now);
    this.#tellNetwork(now);
    this.#drainDtls();
  }

  /**
   * DTLS repeats by its timer, and doubts what comes in clear, as long as there is a pair on which
   * packets are lost or forged, though another may be selected.
   */
  #tellNetwork(now: Millis): void {
    const reliable = this.#datagramPairs === 0;
    if (reliable === this.#reliable) return;
    this.#reliable = reliable;
    this.#dtls.setNetwork({ reliable }, now);
  }

  #drainIce(now: Millis): void {
    for (let out = this.#ice.pollTransmit(); out !== undefined; out = this.#ice.pollTransmit()) {
      this.#transmit(out.pair, out.bytes);
    }
    for (let event = this.#ice.pollEvent(); event !== undefined; event = this.#ice.pollEvent()) {
      switch (event.type) {
        case "selected":
          this.#select(event.pair, now);
          break;
        case "close-pair":
          this.#forget(event.pair);
          this.#events.push(event);
          break;
        case "retired":
          this.#events.push(event);
          break;
        case "refused":
          this.#events.push({ type: "fault", fault: event.fault });
          break;
        case "expired":
          this.#end(event.reason);
          break;
        default:
          event satisfies never;
      }
    }
  }

  #select(pair: PairId, now: Millis): void {
    if (pair === this.#sendsTo) return; // it was only nominated now
    this.#tellNetwork(now);
    this.#sendsTo = pair;
    this.#events.push({ type: "selected", pair });
    // What was under way on the old pair may be lost with it; what a peer who began before we had
    // chosen a pair was to be answered went nowhere.
    if (!this.#dtls.connected) this.#dtls.resendFlight(now);
    this.#dtls.start(now); // does nothing but the first time
  }

  #drainDtls(): void {
    const pair = this.#ice.selected;
    for (let out = this.#dtls.pollTransmit(); out !== undefined; out = this.#dtls.pollTransmit()) {
      if (pair !== undefined) this.#transmit(pair, out);
    }
    for (let event = this.#dtls.pollEvent(); event !== undefined; event = this.#dtls.pollEvent()) {
      this.#handleDtlsEvent(event);
    }
  }

  #handleDtlsEvent(event: DtlsEvent): void {
    switch (event.type) {
      case "connected":
        this.#receiver = new SrtpReceiver(this.#crypto, event.remoteKeys);
        this.#sender = new SrtpSender(this.#crypto, event.localKeys);
        this.#events.push({ type: "connected", profile: event.profile, sendKeys: event.localKeys });
        break;
      case "closed":
        this.#end("peer");
        break;
      case "failed":
        this.#end("dtls", event.fault);
        break;
      default:
        break;
    }
  }

  #end(reason: CloseReason, why?: Fault): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiver = undefined;
    this.#sender = undefined;
    this.#events.push(
      why === undefined ? { type: "closed", reason } : { type: "closed", reason, fault: why },
    );
  }

  #transmit(pair: PairId, packet: Uint8Array): void {
    const open = this.#pairs.get(pair);
    // A pair that ICE has just closed still gets its refusal: the connection is open until the
    // event is read.
    const framing = open === undefined || open.transport === "tcp";
    this.#transmits.push({ pair, bytes: framing ? framed(packet) : packet });
  }
}

/** What may be kept: a datagram is lent for the time of the call. */
function owned(open: OpenPair, bytes: Uint8Array): Uint8Array {
  return open.transport === "udp" ? bytes.slice() : bytes;
}
