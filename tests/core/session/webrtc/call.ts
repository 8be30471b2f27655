/** A transport and its peer, joined by TCP connections in virtual time. @module */
import assert from "node:assert/strict";
import type { Millis } from "../../../../core/base/mod.ts";
import { concat } from "../../../../core/bytes/mod.ts";
import {
  type TransportEvent,
  type TransportOptions,
  WebRtcTransport,
} from "../../../../core/session/webrtc/transport.ts";
import { encodeRtpHeader } from "../../../../core/wire/rtp/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { alice, bob } from "./dtls/peers.ts";
import { local, remote } from "./ice_peer.ts";
import { packetsOf, RtcPeer } from "./rtc_peer.ts";

export interface Packet {
  readonly bytes: Uint8Array;
  readonly index: number;
}

export class Call {
  now: Millis = 0;
  readonly transport: WebRtcTransport;
  readonly peer: RtcPeer;
  readonly events: TransportEvent[] = [];
  readonly rtp: Packet[] = [];
  readonly rtcp: Uint8Array[] = [];
  /** All that the transport wrote, per connection. */
  readonly written: Map<number, Uint8Array[]> = new Map();
  /** Open connections, at the peer's end. */
  readonly open: Set<number> = new Set();
  /** Where the peer sends what is not a check. */
  path = 1;
  /** The other side's writes are cut up by this before they are handed in. */
  cut: (bytes: Uint8Array) => Uint8Array[] = (bytes) => [bytes];

  /** `role` is the transport's part in DTLS. */
  constructor(role: "client" | "server" = "server", changes: Partial<TransportOptions> = {}) {
    this.transport = new WebRtcTransport({
      crypto: nodeCrypto,
      ice: local,
      dtlsRole: role,
      certificate: bob.certificate,
      peerFingerprints: [alice.fingerprint],
      sink: {
        onRtp: (bytes, index) => this.rtp.push({ bytes, index }),
        onRtcp: (bytes) => this.rtcp.push(bytes),
      },
      now: 0,
      ...changes,
    });
    this.peer = new RtcPeer({
      role: role === "server" ? "client" : "server",
      identity: alice,
      ice: local,
      fingerprints: [bob.fingerprint],
    });
  }

  /** A connection, and a check on it. */
  connect(pair: number, nominates: boolean): void {
    this.transport.openPair(pair, "tcp", remote, this.now);
    this.open.add(pair);
    this.check(pair, nominates);
  }

  check(pair: number, nominates: boolean): void {
    this.feed(pair, this.peer.check(nominates));
  }

  /** Writes raw bytes into a connection, and reads what comes of it. */
  feed(pair: number, bytes: Uint8Array): void {
    for (const piece of this.cut(bytes)) {
      this.transport.handleInput({ pair, bytes: piece.slice() }, this.now);
    }
    this.drain();
  }

  /** The connection breaks; what was on its way is lost. */
  drop(pair: number): void {
    this.open.delete(pair);
    this.transport.handlePairClosed(pair, this.now);
    this.drain();
  }

  /**
   * Takes what the transport says; what it wrote is read by the peer if the connection is there.
   */
  drain(): void {
    const { transport } = this;
    for (let out = transport.pollTransmit(); out !== undefined; out = transport.pollTransmit()) {
      const written = this.written.get(out.pair) ?? [];
      written.push(out.bytes);
      this.written.set(out.pair, written);
      if (!this.open.has(out.pair)) continue;
      for (const packet of packetsOf(out.bytes)) this.peer.handlePacket(packet.slice(), this.now);
    }
    for (let event = transport.pollEvent(); event !== undefined; event = transport.pollEvent()) {
      this.events.push(event);
      if (event.type === "close-pair") this.open.delete(event.pair);
    }
  }

  /** One flight of the peer on its path; false when it has nothing to say. */
  step(): boolean {
    const frames = this.peer.poll();
    if (frames.length === 0) return false;
    this.feed(this.path, concat(frames));
    return true;
  }

  /** Until the peer falls silent. */
  run(): void {
    this.drain();
    for (let i = 0; this.step(); i++) assert.ok(i < 20, "the two never fell silent");
  }

  /** To a point in time, with every timeout on the way. */
  until(now: Millis): void {
    for (let i = 0; this.transport.nextTimeout() <= now; i++) {
      assert.ok(i < 1000, "a timer that fires for ever");
      this.now = Math.max(this.now, this.transport.nextTimeout());
      this.transport.handleTimeout(this.now);
      this.drain();
    }
    this.now = now;
  }

  /** One nominated connection, and the handshake on it. */
  establish(): this {
    this.connect(1, true);
    this.peer.dtls.start(this.now);
    this.run();
    this.assertConnected();
    return this;
  }

  assertConnected(): void {
    assert.ok(this.peer.connected, "the peer is connected");
    assert.ok(this.transport.connected, "the transport is connected");
    assert.equal(this.count("connected"), 1, "connected once");
  }

  /** Media of the peer arrives, and RTCP of ours. */
  assertMediaFlows(sequence: number): void {
    const before = this.rtp.length;
    this.feed(this.path, this.peer.protect(rtpPacket(sequence), sequence));
    assert.equal(this.rtp.length, before + 1, "RTP arrives");
    assert.deepEqual(this.rtp.at(-1), { bytes: rtpPacket(sequence), index: sequence });
    const told = this.peer.rtcp.length;
    this.transport.sendRtcp(RR);
    this.drain();
    assert.deepEqual(this.peer.rtcp.slice(told), [RR], "RTCP arrives");
  }

  count(type: TransportEvent["type"]): number {
    return this.events.filter((event) => event.type === type).length;
  }

  faults(): string[] {
    return this.events.flatMap((event) => (event.type === "fault" ? [event.fault.code] : []));
  }

  closings(): (readonly [number, string])[] {
    return this.events.flatMap((event) =>
      event.type === "close-pair" ? [[event.pair, event.fault.code] as const] : [],
    );
  }

  /** Why the session ended; `undefined` while it goes on. */
  end(): string | undefined {
    const ends = this.events.filter((event) => event.type === "closed");
    assert.ok(ends.length <= 1, "closed once");
    const [end] = ends;
    if (end?.type !== "closed") return undefined;
    return end.fault === undefined ? end.reason : `${end.reason}: ${end.fault.code}`;
  }
}

/** An RR without blocks of SSRC 9. */
export const RR: Uint8Array = Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 9);

export function rtpPacket(sequence: number): Uint8Array {
  const packet = new Uint8Array(40).fill(sequence & 0xff);
  encodeRtpHeader(packet, 0, 96, true, sequence, sequence * 3000, 0x1234);
  return packet;
}

/** A frame around `packet`. */
export { framed } from "../../../../core/wire/rfc4571/mod.ts";
