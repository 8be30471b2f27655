import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault, type SrtpKeys, type SrtpProfile } from "../../../core/base/mod.ts";
import { u16 } from "../../../core/bytes/mod.ts";
import { Hub, type ViewerSink } from "../../../core/stream/mod.ts";
import { decodeRtp } from "../../../core/wire/rtp/mod.ts";
import { PlainSrtpEngine, SrtpReceiver, srtpProfileInfo } from "../../../core/wire/srtp/mod.ts";
import { nodeCrypto } from "../../../runtime/common/crypto.ts";
import {
  audioOptions,
  name,
  partOf,
  RTX_SSRC,
  Source,
  VIDEO_SSRC,
  videoOptions,
} from "./fixture.ts";

/** A viewer with keys, who authenticates and decrypts all he gets. */
class Decrypting implements ViewerSink {
  queuedBytes = 0;
  readonly framed: boolean = true;
  readonly keys: SrtpKeys;
  readonly packets: { readonly ssrc: number; readonly sequence: number; payload: Uint8Array }[] =
    [];
  readonly sealed: Uint8Array[] = [];
  replayed = 0;
  readonly #receiver: SrtpReceiver;

  constructor(profile: SrtpProfile) {
    const { keyBytes, saltBytes } = srtpProfileInfo(profile);
    const masterKey = nodeCrypto.random(keyBytes);
    this.keys = { profile, masterKey, masterSalt: nodeCrypto.random(saltBytes) };
    this.#receiver = new SrtpReceiver(nodeCrypto, this.keys);
  }

  deliver(bytes: Uint8Array, packets: number): boolean {
    let count = 0;
    for (let at = 0; at < bytes.length; count++) {
      const end = at + 2 + u16(bytes, at);
      this.#open(bytes.slice(at + 2, end));
      at = end;
    }
    assert.equal(count, packets);
    return false;
  }

  report(): void {}

  #open(packet: Uint8Array): void {
    this.sealed.push(packet.slice());
    const opened = this.#receiver.unprotect(packet);
    if (isFault(opened)) {
      assert.equal(opened.code, "replayed");
      this.replayed++;
      return;
    }
    const header = decodeRtp(opened.packet);
    assert.ok(!isFault(header));
    const payload = opened.packet.slice(header.payloadAt, header.payloadEnd);
    this.packets.push({ ssrc: header.ssrc, sequence: header.sequenceNumber, payload });
  }
}

for (const profile of ["SRTP_AES128_CM_HMAC_SHA1_80", "SRTP_AEAD_AES_128_GCM"] as const) {
  test(`what a viewer gets is authentic over drops, reloads and retransmissions (${profile})`, () => {
    const engine = new PlainSrtpEngine(nodeCrypto);
    const hub = new Hub({ engine });
    let now = 1000;
    const { rtxSsrc: _, ...plain } = videoOptions({ firstSequenceNumber: 0x7ff0 });
    const viewers = [videoOptions(), plain, videoOptions()].map((video) => {
      const subscriber = hub.subscribe(name(), { audio: audioOptions(), video }, now);
      assert.ok(typeof subscriber === "object");
      const sink = new Decrypting(profile);
      subscriber.start(engine.addSender(sink.keys), sink, now);
      return { subscriber, sink };
    });
    for (let reload = 0; reload < 3; reload++) {
      const before = hub.stream(name().key)?.publisher;
      if (before !== undefined) before.connected = false;
      const publisher = hub.publish(name(), "tab", now);
      assert.ok(typeof publisher === "object");
      const source = new Source(publisher);
      source.videoSsrc += reload;
      for (let i = 0; i < 40; i++) {
        // The first two fall behind now and then.
        for (const [j, { sink }] of viewers.entries()) {
          sink.queuedBytes = j < 2 && i % 10 > 6 ? 300 * 1024 : 0;
        }
        publisher.connected = i < 39;
        source.pushFrame(now, i % 10 === 0, 2 + (i % 3), 900);
        source.pushAudio(now);
        now += 33;
        hub.handleTimeout(now);
        for (const { subscriber, sink } of viewers) {
          const last = sink.packets.filter((one) => one.ssrc === VIDEO_SSRC).at(-1);
          subscriber.handleNack(VIDEO_SSRC, [last?.sequence ?? 0], now);
        }
      }
    }
    assert.equal(engine.refused, 0);
    for (const [j, { subscriber, sink }] of viewers.entries()) {
      const video = sink.packets.filter((one) => one.ssrc === VIDEO_SSRC);
      assert.ok(video.length > 200);
      assert.ok(partOf(video[0]!.payload).key);
      for (let i = 1; i < video.length; i++) {
        assert.equal(video[i]!.sequence, (video[i - 1]!.sequence + 1) & 0xffff);
      }
      assert.equal(subscriber.gate.falls > 0, j < 2);
      const repeated = subscriber.video!.stats.retransmittedPackets;
      assert.ok(repeated > 50, `${repeated}`);
      const rtx = sink.packets.filter((one) => one.ssrc === RTX_SSRC).length;
      assert.deepEqual([rtx, sink.replayed], j === 1 ? [0, repeated] : [repeated, 0]);
    }
    // The replayed ones were the very bytes of before.
    const seen = viewers[1]!.sink.sealed.map((one) => one.join());
    assert.equal(new Set(seen).size, seen.length - viewers[1]!.sink.replayed);
  });
}
