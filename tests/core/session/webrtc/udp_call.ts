/**
 * A transport and its peer over the virtual network: one UDP path, which loses and turns round what it
 * is told to, and one TCP path beside it.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Millis } from "../../../../core/base/mod.ts";
import { concat } from "../../../../core/bytes/mod.ts";
import {
  type TransportEvent,
  type TransportOptions,
  WebRtcTransport,
} from "../../../../core/session/webrtc/transport.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { type DatagramMachine, Network, type NetworkOptions } from "../../../sim/network.ts";
import { rtpPacket } from "./call.ts";
import { alice, bob } from "./dtls/peers.ts";
import { local, remote } from "./ice_peer.ts";
import { packetsOf, RtcPeer } from "./rtc_peer.ts";

export const UDP = 1;
export const TCP = 2;

const CHECK_MILLIS = 500;
const MEDIA_MILLIS = 20;
/** The first byte of what the network carries names the path. */
const on = (path: number, bytes: Uint8Array): Uint8Array => concat([Uint8Array.of(path), bytes]);

/** Our side: the transport, and a server that admits 5-tuples. */
class Lite implements DatagramMachine<TransportEvent> {
  readonly transport: WebRtcTransport;
  readonly indexes: number[] = [];
  readonly refused: string[] = [];
  readonly #open = new Set<number>();

  constructor(role: "client" | "server", changes: Partial<TransportOptions>) {
    this.transport = new WebRtcTransport({
      crypto: nodeCrypto,
      ice: local,
      dtlsRole: role,
      certificate: bob.certificate,
      peerFingerprints: [alice.fingerprint],
      sink: {
        onRtp: (bytes, index) => {
          this.#kept.push([bytes, index]);
          this.indexes.push(index);
        },
        onRtcp: () => {},
      },
      now: 0,
      ...changes,
    });
  }

  readonly #kept: [Uint8Array, number][] = [];

  /** What was kept is still what was sent, though its datagram was overwritten. */
  assertKept(): void {
    for (const [bytes, index] of this.#kept) assert.deepEqual(bytes, rtpPacket(index));
  }

  handleInput(bytes: Uint8Array, now: Millis): void {
    const [path = 0] = bytes;
    const packet = bytes.slice(1);
    if (!this.#open.has(path)) {
      const wrong = path === UDP ? this.transport.vet(packet) : undefined;
      if (wrong !== undefined) {
        this.refused.push(wrong.code);
        return;
      }
      this.#open.add(path);
      this.transport.openPair(path, path === UDP ? "udp" : "tcp", remote, now);
    }
    this.transport.handleInput({ pair: path, bytes: packet }, now);
    if (path === UDP) packet.fill(0xaa); // the shim's buffer is used again
  }

  /** The TCP connection breaks. */
  dropTcp(now: Millis): void {
    this.#open.delete(TCP);
    this.transport.handlePairClosed(TCP, now);
  }

  handleTimeout(now: Millis): void {
    this.transport.handleTimeout(now);
  }

  pollTransmit(): Uint8Array | undefined {
    const out = this.transport.pollTransmit();
    return out && on(out.pair, out.bytes);
  }

  pollEvent(): TransportEvent | undefined {
    const event = this.transport.pollEvent();
    if (event?.type === "close-pair") this.#open.delete(event.pair);
    return event;
  }

  nextTimeout(): Millis {
    return this.transport.nextTimeout();
  }
}

/** A browser: checks its paths, nominates one, sends media on that once it is connected. */
class Browser implements DatagramMachine<never> {
  readonly peer: RtcPeer;
  /** Paths that are checked. */
  checks: number[] = [UDP];
  /** The one that is nominated, if any, and that everything else goes out on. */
  path: number = UDP;
  nominates = true;
  sends = true;
  /** Media sent so far: 1, 2, 3, .. */
  sequence = 0;
  readonly #out: Uint8Array[] = [];
  #checkAt: Millis = 0;
  #mediaAt: Millis = 0;
  #started = false;

  constructor(role: "client" | "server") {
    this.peer = new RtcPeer({
      role,
      identity: alice,
      ice: local,
      fingerprints: [bob.fingerprint],
    });
    this.peer.dtls.setNetwork({ reliable: false }, 0);
  }

  /** Sends on another path from now on, a check first. */
  use(path: number): void {
    this.path = path;
    this.#checkAt = 0;
  }

  handleInput(bytes: Uint8Array, now: Millis): void {
    const packets = bytes[0] === TCP ? packetsOf(bytes.subarray(1)) : [bytes.subarray(1)];
    for (const packet of packets) this.peer.handlePacket(packet.slice(), now);
    if (this.peer.answers.length > 0 && !this.#started) {
      this.#started = true;
      this.peer.dtls.start(now);
    }
  }

  handleTimeout(now: Millis): void {
    this.peer.dtls.handleTimeout(now);
    if (now >= this.#checkAt) {
      this.#checkAt = now + CHECK_MILLIS;
      for (const path of this.checks) {
        this.#put(path, this.peer.check(this.nominates && path === this.path));
      }
    }
    if (now >= this.#mediaAt && this.peer.connected) {
      this.#mediaAt = now + MEDIA_MILLIS;
      if (this.sends) this.#out.push(this.media(this.path));
    }
  }

  pollTransmit(): Uint8Array | undefined {
    for (const frame of this.peer.poll()) this.#put(this.path, frame);
    return this.#out.shift();
  }

  pollEvent(): undefined {
    return undefined;
  }

  nextTimeout(): Millis {
    const media = this.peer.connected ? this.#mediaAt : Number.POSITIVE_INFINITY;
    return Math.min(this.peer.dtls.nextTimeout(), this.#checkAt, media);
  }

  /** The next packet of media, as the network carries it. */
  media(path: number): Uint8Array {
    const sequence = ++this.sequence;
    return this.#carried(path, this.peer.protect(rtpPacket(sequence), sequence));
  }

  #put(path: number, frame: Uint8Array): void {
    this.#out.push(this.#carried(path, frame));
  }

  #carried(path: number, frame: Uint8Array): Uint8Array {
    return on(path, path === UDP ? frame.slice(2) : frame);
  }
}

export interface UdpCallOptions extends NetworkOptions {
  /** The transport's part in DTLS. */
  readonly role?: "client" | "server";
  readonly changes?: Partial<TransportOptions>;
}

export class UdpCall {
  readonly lite: Lite;
  readonly browser: Browser;
  readonly network: Network<TransportEvent | never>;
  /** Whether UDP is dropped, either way. */
  udpIsDead = false;

  constructor({ role = "server", changes = {}, ...options }: UdpCallOptions = {}) {
    this.lite = new Lite(role, changes);
    this.browser = new Browser(role === "server" ? "client" : "server");
    this.network = new Network<TransportEvent>(this.browser, this.lite, {
      ...options,
      script: (datagram) => {
        if (datagram[0] === TCP) return [{ bytes: datagram }]; // neither lost nor late
        return this.udpIsDead ? [] : undefined;
      },
    });
  }

  get selected(): number | undefined {
    return this.lite.transport.selected;
  }

  get connected(): boolean {
    return this.lite.transport.connected && this.browser.peer.connected;
  }

  run(millis: Millis): this {
    this.network.run(this.network.now + millis);
    return this;
  }

  /** Until both sides have keys. */
  connect(millis: Millis = 30_000): this {
    this.network.run(this.network.now + millis, () => this.connected);
    assert.ok(this.connected, `connected within ${millis} ms`);
    return this;
  }

  /** What became of the transport, checks of peers aside. */
  get story(): string[] {
    return this.network.events.b.map((event) =>
      event.type === "selected" ? `selected ${event.pair}` : event.type,
    );
  }

  /** RTCP of ours arrives on the path in use. */
  assertAnswers(): void {
    const before = this.browser.peer.rtcp.length;
    this.lite.transport.sendRtcp(Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 9));
    this.run(100);
    assert.equal(this.browser.peer.rtcp.length, before + 1, "RTCP of ours arrives");
    assert.equal(this.browser.peer.refused, 0);
  }
}
