import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault, type SrtpKeys } from "../../../core/base/mod.ts";
import { concat } from "../../../core/bytes/mod.ts";
import type { Format } from "../../../core/media/mod.ts";
import type { NegotiatedMedia } from "../../../core/session/webrtc/negotiation/mod.ts";
import { Hub, type HubEvent, isBadStreamName, parseStreamName } from "../../../core/stream/mod.ts";
import { Deframer } from "../../../core/wire/rfc4571/mod.ts";
import { PlainSrtpEngine, SrtpReceiver } from "../../../core/wire/srtp/mod.ts";
import { nodeCrypto } from "../../../runtime/common/crypto.ts";
import { Publishing } from "../../../server/rtc/publishing.ts";
import type { RtcSession } from "../../../server/rtc/session.ts";
import { Viewing, viewerTrack } from "../../../server/rtc/viewing.ts";
import { AUDIO, codec, VIDEO } from "../../core/session/webrtc/publishing.ts";

const TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

function video(name: "h264" | "h265" | "vp8" | "vp9" | "av1"): Format {
  const parameters = name === "h264" ? "packetization-mode=1" : "";
  return { codec: name, clockRate: 90_000, channels: 0, parameters };
}

/** All codecs, each with RTX. */
const CODECS = (["h264", "h265", "vp8", "vp9", "av1"] as const).map((name, i) =>
  codec(96 + 2 * i, video(name), { rtxPayloadType: 97 + 2 * i, nack: true, pli: true, fir: true }),
);
const EXTENSIONS = [
  { id: 3, uri: TRANSPORT_CC },
  { id: 4, uri: "urn:ietf:params:rtp-hdrext:sdes:mid" },
  { id: 5, uri: "urn:3gpp:video-orientation" },
];
const LINES: readonly NegotiatedMedia[] = [
  { ...AUDIO, extensions: EXTENSIONS },
  { ...VIDEO, codecs: CODECS, extensions: EXTENSIONS },
];

class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  /** Below `n`. */
  below(n: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % n;
  }
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(4) * this.below(86));
  }
  of<T>(...all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }
}

/** RTP that is right at its front, mostly; of the same source and codec for some hundred packets. */
function rtp(random: Random, sequence: number): Uint8Array {
  const mood = sequence >> 9;
  const bytes = random.bytes(12 + random.below(random.of(4, 60, 1400)));
  const strange = random.below(12) === 0;
  const types = [111, 63, ...CODECS.flatMap((one) => [one.payloadType, one.rtxPayloadType ?? 0])];
  const type = strange ? random.below(128) : types[(mood + (random.below(6) === 0 ? 1 : 0)) % 12];
  bytes[0] = strange ? random.below(256) : random.of(0x80, 0x80, 0x90, 0xa0, 0xb3);
  bytes[1] = (type ?? 0) | random.of(0, 0x80);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, sequence & 0xffff);
  view.setUint32(8, strange ? random.below(8) : 1000 + (type ?? 0));
  if ((bytes[0] & 0x10) !== 0 && bytes.length >= 24) {
    bytes.set([random.of(0xbe, 0xbe, 0x10), random.of(0xde, 0xde, 0), 0, random.below(5)], 12);
  }
  return bytes;
}

/** A compound of packets whose lengths are right, mostly. */
function rtcp(random: Random, ssrcs: readonly number[]): Uint8Array {
  const parts = Array.from({ length: 1 + random.below(4) }, () => {
    const words = 2 + random.below(random.of(3, 12, 300));
    const bytes = random.bytes(4 * words);
    bytes[0] = 0x80 | random.below(32);
    bytes[1] = 200 + random.below(8);
    const view = new DataView(bytes.buffer);
    view.setUint16(2, words - (random.below(30) === 0 ? 0 : 1));
    for (let at = 4; at < bytes.length && at < 12; at += 4) view.setUint32(at, random.of(...ssrcs));
    return bytes;
  });
  return concat(parts);
}

const KEYS: SrtpKeys = {
  profile: "SRTP_AEAD_AES_128_GCM",
  masterKey: new Uint8Array(16).fill(7),
  masterSalt: new Uint8Array(12).fill(9),
};

/** A session as the roles see it: what they want sent is counted, and opened with the keys. */
class Wire {
  readonly receiver: SrtpReceiver = new SrtpReceiver(nodeCrypto, KEYS);
  packets = 0;
  rtcpBytes = 0;
  connected = true;
  queuedBytes = 0;
  readonly framed: boolean = true;

  get session(): RtcSession {
    return this as unknown as RtcSession;
  }
  sendMedia(bytes: Uint8Array): boolean {
    const deframer = new Deframer();
    deframer.push(bytes.slice());
    for (let next = deframer.poll(); next !== undefined; next = deframer.poll()) {
      assert.ok(!isFault(next));
      assert.ok(!isFault(this.receiver.unprotect(next)), "whatever comes in, SRTP goes out");
      this.packets++;
    }
    return true;
  }
  sendRtcp(bytes: Uint8Array): void {
    assert.ok(bytes.length < 1300, `${bytes.length} bytes of RTCP`);
    this.rtcpBytes += bytes.length;
  }
  turn(): void {}
}

class World {
  readonly engine: PlainSrtpEngine = new PlainSrtpEngine(nodeCrypto);
  readonly hub: Hub = new Hub({ engine: this.engine });
  readonly events: HubEvent[] = [];
  readonly faults: string[] = [];
  readonly publishing: Publishing;
  readonly publisherWire: Wire = new Wire();
  readonly viewers: Viewing[] = [];
  readonly wires: Wire[] = [];

  constructor() {
    const name = parseStreamName("live", "hostile");
    assert.ok(!isBadStreamName(name));
    const publisher = this.hub.publish(name, "me", 0);
    assert.ok(typeof publisher === "object");
    this.publishing = new Publishing({
      publisher,
      media: LINES,
      localSsrc: 9,
      cname: "c",
      nack: true,
      twcc: true,
      onFault: (fault) => this.faults.push(fault.code),
      onReceived: () => {},
    });
    this.publishing.session = this.publisherWire.session;
    for (let i = 0; i < 3; i++) this.#addViewer(name, i);
  }

  #addViewer(name: Parameters<Hub["publish"]>[0], i: number): void {
    const lines = LINES.map((line) => ({
      ...line,
      extensions: i === 0 ? [] : EXTENSIONS,
      localSource: {
        ssrc: line.kind === "audio" ? 101 : 201,
        rtxSsrc: i === 1 ? undefined : 301,
        cname: "c",
      },
    }));
    const [audio, video] = lines.map((line) => viewerTrack(line, i === 2));
    const subscriber = this.hub.subscribe(
      name,
      { ...(audio && { audio }), ...(video && { video }) },
      0,
    );
    assert.ok(typeof subscriber === "object");
    const { engine } = this;
    const onFault = (fault: { readonly code: string }): void => void this.faults.push(fault.code);
    const role = new Viewing({ subscriber, engine, cname: "c", onFault, onSent: () => {} });
    const wire = new Wire();
    role.session = wire.session;
    role.onConnected(KEYS, 0);
    this.viewers.push(role);
    this.wires.push(wire);
  }

  drain(now: number): void {
    let events = 0;
    for (let event = this.hub.pollEvent(); event !== undefined; event = this.hub.pollEvent()) {
      if (event.type === "keyframe-request") this.publishing.requestKeyframe(event.ssrc);
      assert.ok(++events < 200, "events pile up");
    }
    const { nextTimeout } = this.publishing.receiver;
    assert.ok(!Number.isNaN(nextTimeout.call(this.publishing.receiver)));
    assert.ok(!Number.isNaN(this.hub.nextTimeout()));
    if (this.hub.nextTimeout() <= now) this.hub.handleTimeout(now);
  }
}

/** From one sequence number to the next. */
const STEPS: readonly number[] = [...new Array<number>(40).fill(1), 0, -1, 2, -9, 30, 600, 0x7fff];

/** A publisher's and the viewers' nonsense of one moment. */
function turn(random: Random, world: World, from: number, now: number): number {
  const { receiver } = world.publishing;
  let index = from;
  for (let i = random.below(8); i >= 0; i--) {
    index = Math.max(0, index + random.of(...STEPS));
    receiver.onRtp(rtp(random, index), index, now);
  }
  if (random.below(4) === 0) receiver.onRtcp(rtcp(random, [1, 2, 3, 9]), now);
  world.publishing.onTurn(now);
  for (const viewer of world.viewers) {
    if (random.below(3) === 0) viewer.feedback.onRtcp(rtcp(random, [101, 201, 301, 9]), now);
    if (random.below(200) === 0) viewer.onPath(random.below(3) > 0, now);
  }
  for (const wire of world.wires)
    wire.queuedBytes = random.below(50) === 0 ? random.of(300_000, 3_000_000) : 0;
  world.drain(now);
  return index;
}

describe("media and RTCP of a peer who has the keys and writes nonsense", () => {
  for (const seed of [1, 77, 4242]) {
    test(`throws nothing and is held in bounds, seed ${seed}`, () => {
      const random = new Random(seed);
      const world = new World();
      let now = 0;
      let index = 0x1_0000;
      for (let i = 0; i < 1000; i++) {
        now += random.below(200) === 0 ? 3000 : random.of(0, 0.3, 5, 33);
        index = turn(random, world, index, now);
      }
      const sent = world.wires.map((wire) => wire.packets);
      assert.ok(world.faults.length > 0, "some of it was refused");
      assert.ok(sent.reduce((sum, one) => sum + one) > 100, `some of it was sent on: ${sent}`);
      assert.ok(world.publisherWire.rtcpBytes > 0, "the publisher was answered");
      for (const viewer of world.viewers) viewer.onClosed();
      world.publishing.onClosed();
      assert.equal(world.hub.size, 0);
    });
  }
});
