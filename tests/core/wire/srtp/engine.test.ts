import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type CryptoProvider,
  MonoportError,
  type SenderId,
  type SrtpEngine,
} from "../../../../core/base/mod.ts";
import {
  INDEX_WINDOW,
  PlainSrtpEngine,
  SrtpReceiver,
  SrtpSender,
} from "../../../../core/wire/srtp/mod.ts";
import { MAX_RTP_BYTES } from "../../../../core/wire/srtp/packet_store.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { WasmSrtpLanes } from "../../../../runtime/common/srtp_lanes.ts";
import { good, PROFILES, rtpPacket, testKeys } from "./keys.ts";

/** Without lanes the engine seals packet by packet. */
const oracleCrypto: CryptoProvider = { ...nodeCrypto, srtpLanes: () => undefined };
const lanes = WasmSrtpLanes.open();
/** Lanes on every runtime. */
const lanesCrypto: CryptoProvider = { ...nodeCrypto, srtpLanes: () => lanes };
const KINDS = PROFILES.flatMap((profile) => [
  { profile, crypto: oracleCrypto, kind: "plain engine" },
  { profile, crypto: lanesCrypto, kind: "in lanes" },
]);

const PLAIN = { ssrc: 0x11111111, payloadType: 100, indexOffset: 0, timestampOffset: 0 };

/** What one call delivered: per sender the packets, taken out of their frames. */
function seal(
  engine: SrtpEngine,
  senders: readonly SenderId[],
  packets: readonly number[],
  again = false,
): Map<SenderId, Uint8Array[]> {
  const out = new Map<SenderId, Uint8Array[]>();
  const deliver = (sender: SenderId, bytes: Uint8Array): void => {
    assert.ok(!out.has(sender), "one buffer per sender");
    out.set(sender, unframed(bytes));
  };
  if (again) engine.resend(senders[0]!, packets, true, deliver);
  else engine.seal(senders, packets, true, deliver);
  return out;
}

/** RFC 4571: packets behind their lengths. */
function unframed(bytes: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes[at]! * 256 + bytes[at + 1]!;
    packets.push(bytes.slice(at + 2, at + 2 + size));
    at += 2 + size;
    assert.ok(at <= bytes.length);
  }
  return packets;
}

/** A packet with a one-byte extension whose two bytes at 17 are the transport-wide number. */
function withSlot(index: number, payloadBytes = 40): Uint8Array {
  const plain = rtpPacket(index, 1, payloadBytes);
  const packet = new Uint8Array(plain.length + 8);
  packet.set(plain.subarray(0, 12));
  packet.set([0xbe, 0xde, 0, 1, 0x31], 12);
  packet.set(plain.subarray(12), 20);
  packet[0] = 0x90;
  return packet;
}

for (const { profile, crypto, kind } of KINDS) {
  describe(`${profile}: ${kind}`, () => {
    test("random batches for several viewers equal those of a sender that does one at a time", () => {
      const lengths = fc.array(fc.nat(1400), { minLength: 1, maxLength: 7 });
      const rewrite = fc.record({
        ssrc: fc.nat(0xffffffff),
        payloadType: fc.nat(127),
        indexOffset: fc.integer({ min: 0, max: 2 ** 40 }),
        timestampOffset: fc.integer({ min: -(2 ** 32), max: 2 ** 32 }),
      });
      fc.assert(
        fc.property(
          lengths,
          fc.array(rewrite, { minLength: 1, maxLength: 4 }),
          fc.boolean(),
          (sizes, rewrites, slot) => {
            const engine = new PlainSrtpEngine(crypto);
            const senders = rewrites.map((track, i) => {
              const id = engine.addSender(testKeys(profile, i));
              engine.setTrack(id, 5, track);
              return id;
            });
            const packets = sizes.map((size, i) =>
              slot ? withSlot(i, size) : rtpPacket(i, 1, size),
            );
            const ids = packets.map((packet, i) => engine.putPacket(packet, 5, i, slot ? 17 : 0));
            const sealed = seal(engine, senders, ids);
            for (const [viewer, track] of rewrites.entries()) {
              const oracle = new SrtpSender(nodeCrypto, testKeys(profile, viewer));
              const expected = packets.map((packet, i) => {
                const mine = packet.slice();
                const view = new DataView(mine.buffer);
                const index = i + track.indexOffset;
                mine[1] = (mine[1]! & 0x80) | track.payloadType;
                view.setUint16(2, index % 65536);
                view.setUint32(
                  4,
                  Number((BigInt(view.getUint32(4)) + BigInt(track.timestampOffset)) & 0xffffffffn),
                );
                view.setUint32(8, track.ssrc);
                if (slot) view.setUint16(17, i);
                return good(oracle.protect(mine, index));
              });
              assert.deepEqual(sealed.get(senders[viewer]!), expected);
            }
            assert.equal(engine.refused, 0);
          },
        ),
        { seed: 6, numRuns: 40 },
      );
    });

    test("without frames each packet comes alone", () => {
      const engine = new PlainSrtpEngine(crypto);
      const id = engine.addSender(testKeys(profile));
      engine.setTrack(id, 0, PLAIN);
      const receiver = new SrtpReceiver(nodeCrypto, testKeys(profile));
      const ids = [1, 2, 3].map((index) => engine.putPacket(rtpPacket(index), 0, index, 0));
      const indexes: number[] = [];
      engine.seal([id], ids, false, (_, bytes) => {
        indexes.push(good(receiver.unprotect(bytes)).index);
      });
      assert.deepEqual(indexes, [1, 2, 3]);
    });

    test("sent again, a packet is the same bytes; another under its index is refused", () => {
      const engine = new PlainSrtpEngine(crypto);
      const id = engine.addSender(testKeys(profile));
      engine.setTrack(id, 0, { ...PLAIN, indexOffset: 7, resendable: true });
      const put = (index: number, change = 0): number => {
        const packet = withSlot(index);
        packet[30] = packet[30]! ^ change;
        return engine.putPacket(packet, 0, index, 17);
      };
      const first = seal(engine, [id], [put(1), put(2), put(3)]).get(id);
      assert.equal(engine.nextTransportSequence(id), 3);
      engine.clearPackets();
      const again = seal(engine, [id], [put(3), put(1)], true).get(id);
      assert.deepEqual(again, [first?.[2], first?.[0]]);
      assert.equal(engine.nextTransportSequence(id), 3, "no number is used for it");
      assert.equal(engine.refused, 0);
      assert.equal(seal(engine, [id], [put(2, 1)], true).size, 0, "another payload");
      assert.equal(seal(engine, [id], [put(4)], true).size, 0, "never sent");
      assert.equal(engine.refused, 2);
      engine.setTrack(id, 0, { ...PLAIN, indexOffset: 7, timestampOffset: 1, resendable: true });
      assert.equal(seal(engine, [id], [put(2)], true).size, 0, "another timestamp");
    });
  });
}

for (const crypto of [oracleCrypto, lanesCrypto]) {
  describe(`indexes, ${crypto === lanesCrypto ? "in lanes" : "plain engine"}`, () => {
    const profile = "SRTP_AES128_CM_HMAC_SHA1_80";

    function one(track = PLAIN): { engine: PlainSrtpEngine; id: SenderId } {
      const engine = new PlainSrtpEngine(crypto);
      const id = engine.addSender(testKeys(profile));
      engine.setTrack(id, 0, track);
      return { engine, id };
    }

    test("RFC 3711 §9.1: an index is used once per SSRC, whatever track or batch it comes from", () => {
      const { engine, id } = one();
      const put = (index: number, track = 0): number =>
        engine.putPacket(rtpPacket(index), track, index, 0);
      assert.equal(seal(engine, [id], [put(5), put(5), put(6)]).get(id)?.length, 2);
      assert.equal(engine.refused, 1);
      engine.clearPackets();
      assert.equal(seal(engine, [id], [put(6)]).size, 0);
      engine.setTrack(id, 1, { ...PLAIN, indexOffset: 1 });
      assert.equal(seal(engine, [id], [put(5, 1)]).size, 0, "index 6 again, by another track");
      // An SSRC that went away and came back still knows its indexes.
      engine.setTrack(id, 0, { ...PLAIN, ssrc: 2 });
      assert.equal(seal(engine, [id], [put(6)]).size, 1);
      engine.setTrack(id, 0, PLAIN);
      assert.equal(seal(engine, [id], [put(6)]).size, 0);
      assert.equal(engine.refused, 4);
    });

    test("late packets within the window go out, older ones do not", () => {
      const { engine, id } = one();
      const put = (index: number): number => engine.putPacket(rtpPacket(index), 0, index, 0);
      assert.equal(seal(engine, [id], [put(3000), put(3001 - INDEX_WINDOW)]).get(id)?.length, 2);
      assert.equal(seal(engine, [id], [put(3000 - INDEX_WINDOW)]).size, 0);
    });

    test("no index below 0 or from 2^48 on", () => {
      const { engine, id } = one({ ...PLAIN, indexOffset: -10 });
      const put = (index: number): number => engine.putPacket(rtpPacket(index), 0, index, 0);
      assert.equal(seal(engine, [id], [put(9), put(2 ** 48 + 10)]).size, 0);
      assert.equal(seal(engine, [id], [put(10), put(2 ** 48 + 9)]).get(id)?.length, 2);
    });

    test("rollover: 65535, 65536 after an offset", () => {
      const { engine, id } = one({ ...PLAIN, indexOffset: 65530 });
      const receiver = new SrtpReceiver(nodeCrypto, testKeys(profile));
      const ids = [...Array(10).keys()].map((i) => engine.putPacket(rtpPacket(i), 0, i, 0));
      const got = seal(engine, [id], ids)
        .get(id)!
        .map((bytes) => good(receiver.unprotect(bytes)).index);
      assert.deepEqual(
        got,
        [...Array(10).keys()].map((i) => 65530 + i),
      );
    });

    test("the transport-wide number runs over all tracks of a viewer and wraps", () => {
      const { engine, id } = one();
      engine.setTrack(id, 1, { ...PLAIN, ssrc: 2 });
      const receiver = new SrtpReceiver(nodeCrypto, testKeys(profile));
      let expected = 0;
      for (let round = 0; round < 70; round++) {
        engine.clearPackets();
        const ids = Array.from({ length: 1000 }, (_, i) => {
          const index = round * 500 + (i >> 1);
          return engine.putPacket(withSlot(index, 0), i & 1, index, 17);
        });
        const sealed = seal(engine, [id], ids).get(id)!;
        assert.equal(sealed.length, 1000);
        const last = good(receiver.unprotect(sealed[999]!)).packet;
        expected = (expected + 1000) % 65536;
        assert.equal((last[17]! * 256 + last[18]! + 1) % 65536, expected);
        assert.equal(engine.nextTransportSequence(id), expected);
      }
    });

    test("resending goes as far back as the window, over gaps", () => {
      const { engine, id } = one({ ...PLAIN, resendable: true } as typeof PLAIN);
      const put = (index: number): number => engine.putPacket(rtpPacket(index), 0, index, 0);
      seal(engine, [id], [put(10), put(11)]);
      seal(engine, [id], [put(10 + INDEX_WINDOW)]);
      assert.equal(seal(engine, [id], [put(10)], true).size, 0);
      assert.equal(seal(engine, [id], [put(11)], true).size, 1);
      assert.equal(seal(engine, [id], [put(12)], true).size, 0, "skipped");
      seal(engine, [id], [put(5000)]);
      assert.equal(seal(engine, [id], [put(11)], true).size, 0);
      assert.equal(seal(engine, [id], [put(5000)], true).size, 1);
    });
  });
}

describe("resending packets that are alike", () => {
  // A sender may repeat the same bytes, as comfort noise does; only their indexes differ.
  const alike = (engine: PlainSrtpEngine, index: number): number =>
    engine.putPacket(withSlot(0, 3), 0, index, 17);

  function resendable(): { engine: PlainSrtpEngine; id: SenderId } {
    const engine = new PlainSrtpEngine(nodeCrypto);
    const id = engine.addSender(testKeys("SRTP_AEAD_AES_128_GCM"));
    engine.setTrack(id, 0, { ...PLAIN, resendable: true });
    return { engine, id };
  }

  test("an index that was skipped stays unused, whatever was sent a window before", () => {
    const { engine, id } = resendable();
    for (const index of [10, 500, 1100]) seal(engine, [id], [alike(engine, index)]);
    assert.equal(seal(engine, [id], [alike(engine, 10 + INDEX_WINDOW)], true).size, 0);
    const far = 2 ** 40 + 1000;
    seal(engine, [id], [alike(engine, far)]);
    assert.equal(seal(engine, [id], [alike(engine, 2 ** 40 + 500)], true).size, 0);
    assert.equal(seal(engine, [id], [alike(engine, far)], true).size, 1);
  });

  test("an index older than the window is refused, whatever took its place", () => {
    const { engine, id } = resendable();
    seal(engine, [id], [alike(engine, 10)]);
    seal(engine, [id], [alike(engine, 10 + INDEX_WINDOW)]);
    assert.equal(seal(engine, [id], [alike(engine, 10)], true).size, 0);
  });

  test("what lay in the store before does not count", () => {
    const { engine, id } = resendable();
    const first = seal(engine, [id], [alike(engine, 1)]);
    engine.clearPackets();
    engine.putPacket(rtpPacket(9, 1, 1400), 0, 9, 0);
    engine.clearPackets();
    assert.deepEqual(seal(engine, [id], [alike(engine, 1)], true), first);
  });
});

describe("what does not fit is left out and counted", () => {
  const profile = "SRTP_AEAD_AES_128_GCM";

  test("a track not set, a sender gone, bytes that are not RTP, a slot outside the header", () => {
    const engine = new PlainSrtpEngine(nodeCrypto);
    const id = engine.addSender(testKeys(profile));
    engine.setTrack(id, 0, PLAIN);
    const packet = engine.putPacket(rtpPacket(1), 0, 1, 0);
    const bad = [
      engine.putPacket(rtpPacket(2), 3, 2, 0),
      engine.putPacket(new Uint8Array(40), 0, 3, 0),
      engine.putPacket(rtpPacket(4).subarray(0, 11), 0, 4, 0),
      engine.putPacket(rtpPacket(5), 0, 5, 11),
      engine.putPacket(rtpPacket(6), 0, 6, 12),
      999,
    ];
    assert.equal(seal(engine, [id], [...bad, packet]).get(id)?.length, 1);
    assert.equal(engine.refused, bad.length);
    engine.removeSender(id);
    assert.equal(seal(engine, [id], [packet]).size, 0);
    assert.equal(engine.nextTransportSequence(id), 0);
    engine.setTrack(id, 0, PLAIN);
  });

  test("RFC 4571 §2: the longest packet fits its frame, one byte more is left out", () => {
    const engine = new PlainSrtpEngine(nodeCrypto);
    const id = engine.addSender(testKeys(profile));
    engine.setTrack(id, 0, PLAIN);
    const longest = engine.putPacket(rtpPacket(1, 1, MAX_RTP_BYTES - 12), 0, 1, 0);
    const over = engine.putPacket(rtpPacket(2, 1, MAX_RTP_BYTES - 11), 0, 2, 0);
    const sealed = seal(engine, [id], [over, longest]).get(id)!;
    assert.deepEqual(
      sealed.map((bytes) => bytes.length),
      [65_535],
    );
    const receiver = new SrtpReceiver(nodeCrypto, testKeys(profile));
    assert.equal(good(receiver.unprotect(sealed[0]!)).packet.length, MAX_RTP_BYTES);
  });

  test("more packets, or more bytes, than a batch holds", () => {
    const engine = new PlainSrtpEngine(nodeCrypto);
    const id = engine.addSender(testKeys(profile));
    engine.setTrack(id, 0, PLAIN);
    const small = rtpPacket(0, 1, 0);
    const many = Array.from({ length: 8193 }, (_, i) => engine.putPacket(small, 0, i, 0));
    assert.equal(seal(engine, [id], many.slice(-2)).get(id)?.length, 1);
    engine.clearPackets();
    const large = rtpPacket(0, 1, 60_000);
    const ids = Array.from({ length: 280 }, (_, i) => engine.putPacket(large, 0, 10_000 + i, 0));
    assert.equal(seal(engine, [id], ids.slice(-1)).size, 0);
    assert.equal(seal(engine, [id], ids.slice(0, 1)).get(id)?.length, 1);
    engine.clearPackets();
    assert.equal(seal(engine, [id], [engine.putPacket(small, 0, 20_000, 0)]).size, 1);
  });

  test("a viewer with more SSRCs than a receiver has place for is our own mistake", () => {
    const engine = new PlainSrtpEngine(nodeCrypto);
    const id = engine.addSender(testKeys(profile));
    for (let ssrc = 0; ssrc < 64; ssrc++) engine.setTrack(id, 0, { ...PLAIN, ssrc });
    assert.throws(() => engine.setTrack(id, 0, { ...PLAIN, ssrc: 64 }), MonoportError);
  });
});

test("one encryption makes the keystream of a whole batch, with one cipher object per viewer", () => {
  let ciphers = 0;
  let encryptions = 0;
  const counting: CryptoProvider = {
    ...oracleCrypto,
    aesEcb: (key) => {
      ciphers++;
      const ecb = nodeCrypto.aesEcb(key);
      return {
        ...ecb,
        encrypt: (blocks) => {
          encryptions++;
          return ecb.encrypt(blocks);
        },
      };
    },
  };
  const engine = new PlainSrtpEngine(counting);
  const id = engine.addSender(testKeys("SRTP_AES128_CM_HMAC_SHA1_80"));
  engine.setTrack(id, 0, PLAIN);
  const before = ciphers;
  encryptions = 0;
  for (let round = 0; round < 3; round++) {
    engine.clearPackets();
    const ids = Array.from({ length: 8 }, (_, i) =>
      engine.putPacket(rtpPacket(i, 1, 1200), 0, round * 8 + i, 0),
    );
    assert.equal(seal(engine, [id], ids).get(id)?.length, 8);
  }
  assert.equal(ciphers, before);
  assert.equal(encryptions, 3);
});
