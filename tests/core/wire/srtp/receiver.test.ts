import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Fault, type SrtpProfile } from "../../../../core/base/mod.ts";
import { RTP_TRUNCATED, RTP_VERSION } from "../../../../core/wire/rtp/mod.ts";
import { deriveRtcpKeys } from "../../../../core/wire/srtp/key_derivation.ts";
import {
  INDEX_WINDOW,
  MAX_SRTP_SSRCS,
  SET_ASIDE_MAX,
  SRTP_AUTHENTICATION,
  SRTP_INDEX_MISMATCH,
  SRTP_INDEX_RANGE,
  SRTP_INDEX_USED,
  SRTP_PROFILES,
  SRTP_REPLAYED,
  SRTP_TOO_MANY_SSRCS,
  SRTP_TRUNCATED,
  SrtpReceiver,
  SrtpSender,
  splitSrtpKeys,
  srtpExportBytes,
  srtpProfileInfo,
} from "../../../../core/wire/srtp/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { good, PROFILES, rtcpPacket, rtpPacket, testKeys } from "./keys.ts";

function pair(profile: SrtpProfile): { sender: SrtpSender; receiver: SrtpReceiver } {
  const keys = testKeys(profile);
  return { sender: new SrtpSender(nodeCrypto, keys), receiver: new SrtpReceiver(nodeCrypto, keys) };
}

for (const profile of PROFILES) {
  describe(`${profile}: SRTP`, () => {
    test("RFC 3711 §3.3.2: a packet is taken once, and in any order within the window", () => {
      const { sender, receiver } = pair(profile);
      const sealed = [...Array(6).keys()].map((index) =>
        good(sender.protect(rtpPacket(index), index)),
      );
      for (const i of [2, 0, 5, 1, 4, 3]) {
        const copy = sealed[i]!.slice();
        assert.deepEqual(good(receiver.unprotect(copy)), { packet: rtpPacket(i), index: i });
      }
      for (const bytes of sealed) assert.equal(receiver.unprotect(bytes.slice()), SRTP_REPLAYED);
    });

    test("RFC 3711 §3.3.2: what is older than the window is refused, its last index is not", () => {
      const { sender, receiver } = pair(profile);
      const sealed = [1, 2].map((index) => good(sender.protect(rtpPacket(index), index)));
      const newest = 1 + INDEX_WINDOW;
      good(receiver.unprotect(good(sender.protect(rtpPacket(newest), newest))));
      assert.equal(receiver.unprotect(sealed[0]!), SRTP_REPLAYED);
      assert.equal(good(receiver.unprotect(sealed[1]!)).index, 2);
    });

    test("RFC 3711 §3.3.2: a jump over more than the window leaves room for late packets", () => {
      const { sender, receiver } = pair(profile);
      const late = 5 + INDEX_WINDOW;
      for (const index of [5, 2000, late]) {
        const sealed = good(sender.protect(rtpPacket(index), index));
        assert.equal(good(receiver.unprotect(sealed)).index, index);
      }
    });

    test("RFC 3711 §3.3.1: rollover, in order", () => {
      const { sender, receiver } = pair(profile);
      for (const index of [0x7000, 0xe000, 0xffff, 0x10000, 0x17000, 0x1e000, 0x1ffff, 0x20001]) {
        const sealed = good(sender.protect(rtpPacket(index), index));
        assert.deepEqual(good(receiver.unprotect(sealed)), { packet: rtpPacket(index), index });
      }
    });

    test("RFC 3711 §3.3.1: 300 packets lost around the wrap", () => {
      const { sender, receiver } = pair(profile);
      for (let index = 65_300; index < 66_100; index++) {
        const sealed = good(sender.protect(rtpPacket(index), index));
        if (index >= 65_400 && index < 65_700) continue;
        assert.equal(good(receiver.unprotect(sealed)).index, index);
      }
    });

    test("RFC 3711 §3.3.1: reordered across the wrap", () => {
      const { sender, receiver } = pair(profile);
      const order = [65530, 65538, 65533, 65536, 65535, 65540, 65531, 65537, 65534];
      for (const index of order) {
        const sealed = good(sender.protect(rtpPacket(index), index));
        assert.deepEqual(good(receiver.unprotect(sealed)), { packet: rtpPacket(index), index });
      }
    });

    test("the first packets of a sender that begins at 65533 lost", () => {
      const { sender, receiver } = pair(profile);
      for (let index = 65_533; index < 65_550; index++) {
        const sealed = good(sender.protect(rtpPacket(index), index));
        if (index < 65_540) continue;
        assert.equal(good(receiver.unprotect(sealed)).index, index);
      }
      const beyond = good(sender.protect(rtpPacket(0x18000, 2), 0x18000));
      assert.equal(receiver.unprotect(beyond), SRTP_AUTHENTICATION);
    });

    test("a network that loses, repeats and reorders: every index is right, and taken once", () => {
      const step = fc.record({ skip: fc.nat(400), late: fc.nat(60), times: fc.nat(3) });
      fc.assert(
        fc.property(
          fc.integer({ min: 55_000, max: 65_535 }),
          fc.array(step, { minLength: 200, maxLength: 300 }),
          (first, steps) => {
            const { sender, receiver } = pair(profile);
            const arrivals: { at: number; index: number; sealed: Uint8Array }[] = [];
            let index = first;
            for (const [at, { skip, late, times }] of steps.entries()) {
              const sealed = good(sender.protect(rtpPacket(index, 1, 8), index));
              for (let i = 1; i <= times; i++)
                arrivals.push({ at: at + late * i * 0.2, index, sealed });
              index += 1 + (skip < 350 ? 0 : skip);
            }
            arrivals.sort((a, b) => a.at - b.at);
            const taken = new Set<number>();
            for (const arrival of arrivals) {
              const opened = receiver.unprotect(arrival.sealed.slice());
              if (taken.has(arrival.index)) assert.equal(opened, SRTP_REPLAYED);
              else if (opened === SRTP_REPLAYED)
                assert.ok(Math.max(...taken) - arrival.index >= INDEX_WINDOW);
              else assert.equal(good(opened).index, arrival.index);
              taken.add(arrival.index);
            }
          },
        ),
        { seed: 10, numRuns: 20 },
      );
    });

    test("RFC 3711 §3.3: a packet with any byte changed is refused, and changes nothing", () => {
      const { sender, receiver } = pair(profile);
      good(receiver.unprotect(good(sender.protect(rtpPacket(65_000), 65_000))));
      // Its sequence number, when changed, asks for other rollover counters too.
      const sealed = good(sender.protect(rtpPacket(65_534), 65_534));
      for (let at = 0; at < sealed.length; at++) {
        for (const mask of [0x01, 0x80]) {
          const forged = sealed.slice();
          forged[at] = forged[at]! ^ mask;
          const before = forged.slice();
          assert.ok(receiver.unprotect(forged) instanceof Fault, `byte ${at}`);
          assert.deepEqual(forged, before);
        }
      }
      // The state is as before: the next wrap and the packet itself are still right.
      assert.equal(good(receiver.unprotect(sealed)).index, 65_534);
      const next = good(sender.protect(rtpPacket(65_537), 65_537));
      assert.equal(good(receiver.unprotect(next)).index, 65_537);
    });

    test("a packet under another key is refused", () => {
      const sender = new SrtpSender(nodeCrypto, testKeys(profile, 2));
      const { receiver } = pair(profile);
      assert.equal(receiver.unprotect(good(sender.protect(rtpPacket(9), 9))), SRTP_AUTHENTICATION);
    });

    test("cut at every length, and as random bytes: a fault, never an error", () => {
      const { sender, receiver } = pair(profile);
      const sealed = good(sender.protect(rtpPacket(1), 1));
      const tag = srtpProfileInfo(profile).tagBytes;
      for (let size = 0; size < sealed.length; size++) {
        const fault = receiver.unprotect(sealed.slice(0, size));
        if (size < tag) assert.equal(fault, SRTP_TRUNCATED);
        else if (size < tag + 12) assert.equal(fault, RTP_TRUNCATED);
        else assert.equal(fault, SRTP_AUTHENTICATION);
      }
      assert.equal(receiver.unprotect(new Uint8Array(60)), RTP_VERSION);
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
          if (bytes.length > 0) bytes[0] = (bytes[0]! & 0x3f) | 0x80;
          assert.ok(receiver.unprotect(bytes) instanceof Fault);
          assert.ok(receiver.unprotectRtcp(bytes) instanceof Fault);
        }),
        { seed: 5, numRuns: 300 },
      );
    });

    test("RFC 3711 §3.3.2: a sender may change its SSRC over and over, and no packet is taken twice", () => {
      const keys = testKeys(profile);
      const sender = new SrtpSender(nodeCrypto, keys);
      const receiver = new SrtpReceiver(nodeCrypto, keys, { maxSsrcs: 3 });
      for (let ssrc = 100; ssrc < 150; ssrc++) {
        assert.equal(receiver.unprotect(rtpPacket(1, ssrc)), SRTP_AUTHENTICATION);
        assert.equal(receiver.unprotectRtcp(forgedRtcp(ssrc)), SRTP_AUTHENTICATION);
      }
      const old: Uint8Array[] = [];
      const oldRtcp: Uint8Array[] = [];
      const send = (index: number, ssrc: number): void => {
        const sealed = good(sender.protect(rtpPacket(index, ssrc), index));
        const rtcp = good(sender.protectRtcp(rtcpPacket(ssrc)));
        old.push(sealed.slice());
        oldRtcp.push(rtcp.slice());
        assert.equal(good(receiver.unprotect(sealed)).index, index);
        good(receiver.unprotectRtcp(rtcp));
        for (const bytes of old) assert.equal(receiver.unprotect(bytes.slice()), SRTP_REPLAYED);
        for (const bytes of oldRtcp) {
          assert.equal(receiver.unprotectRtcp(bytes.slice()), SRTP_REPLAYED);
        }
      };
      for (let ssrc = 1; ssrc <= 8; ssrc++) send(60_000, ssrc);
      // They come back, with the rollover counter that they had.
      for (let ssrc = 1; ssrc <= 8; ssrc++) for (const index of [65_535, 65_536]) send(index, ssrc);
    });

    test("RFC 3711 §3.3.2: of an SSRC that comes back, what it sent before it was set aside is late", () => {
      const keys = testKeys(profile);
      const sender = new SrtpSender(nodeCrypto, keys);
      const receiver = new SrtpReceiver(nodeCrypto, keys, { maxSsrcs: 2 });
      const sealed = (index: number, ssrc: number): Uint8Array =>
        good(sender.protect(rtpPacket(index, ssrc), index));
      const late = sealed(5, 1);
      good(receiver.unprotect(sealed(6, 1)));
      for (const ssrc of [2, 3]) good(receiver.unprotect(sealed(1, ssrc)));
      assert.equal(receiver.unprotect(late), SRTP_REPLAYED);
      good(receiver.unprotect(sealed(7, 1)));
      // The one that was silent longest made room: 3 is heard with what comes late.
      good(receiver.unprotect(sealed(3, 3)));
      assert.equal(good(receiver.unprotect(sealed(2, 3))).index, 2);
    });

    test("an SSRC more than the tables hold is refused, and those inside go on", () => {
      const keys = testKeys(profile);
      const receiver = new SrtpReceiver(nodeCrypto, keys, { maxSsrcs: 3 });
      const most = 3 + SET_ASIDE_MAX;
      let sender = new SrtpSender(nodeCrypto, keys);
      for (let ssrc = 1; ssrc <= most + 1; ssrc++) {
        if (ssrc % MAX_SRTP_SSRCS === 0) sender = new SrtpSender(nodeCrypto, keys);
        const rtp = receiver.unprotect(good(sender.protect(rtpPacket(1, ssrc), 1)));
        const rtcp = receiver.unprotectRtcp(good(sender.protectRtcp(rtcpPacket(ssrc))));
        assert.equal(rtp === SRTP_TOO_MANY_SSRCS, ssrc > most);
        assert.equal(rtcp === SRTP_TOO_MANY_SSRCS, ssrc > most);
      }
      for (const ssrc of [1, most]) {
        const next = good(new SrtpSender(nodeCrypto, keys).protect(rtpPacket(2, ssrc), 2));
        assert.equal(good(receiver.unprotect(next)).index, 2);
      }
    });

    test("a packet without payload is a packet", () => {
      const { sender, receiver } = pair(profile);
      const sealed = good(sender.protect(rtpPacket(4, 1, 0), 4));
      assert.deepEqual(good(receiver.unprotect(sealed)).packet, rtpPacket(4, 1, 0));
    });

    test("padding stays inside, still encrypted on the wire", () => {
      const { sender, receiver } = pair(profile);
      const padded = rtpPacket(4);
      padded[0] = 0xa0;
      padded[padded.length - 1] = 8;
      const sealed = good(sender.protect(padded, 4));
      assert.deepEqual(good(receiver.unprotect(sealed)).packet, padded);
    });
  });

  describe(`${profile}: SRTCP`, () => {
    test("RFC 3711 §3.4: protected, opened once, in any order", () => {
      const { sender, receiver } = pair(profile);
      const sealed = [1, 2, 3].map((media) => good(sender.protectRtcp(rtcpPacket(9, media))));
      for (const i of [1, 0, 2]) {
        assert.deepEqual(good(receiver.unprotectRtcp(sealed[i]!.slice())), rtcpPacket(9, i + 1));
      }
      for (const bytes of sealed) assert.equal(receiver.unprotectRtcp(bytes), SRTP_REPLAYED);
    });

    test("a packet with any byte changed is refused, and changes nothing", () => {
      const { sender, receiver } = pair(profile);
      const sealed = good(sender.protectRtcp(rtcpPacket()));
      for (let at = 0; at < sealed.length; at++) {
        const forged = sealed.slice();
        forged[at] = forged[at]! ^ 0x80;
        const before = forged.slice();
        assert.ok(receiver.unprotectRtcp(forged) instanceof Fault, `byte ${at}`);
        assert.deepEqual(forged, before);
      }
      assert.deepEqual(good(receiver.unprotectRtcp(sealed)), rtcpPacket());
    });

    test("what is too short for header, index and tag is refused at every length", () => {
      const { sender, receiver } = pair(profile);
      const sealed = good(sender.protectRtcp(rtcpPacket()));
      const least = 8 + 4 + srtpProfileInfo(profile).tagBytes;
      for (let size = 0; size < sealed.length; size++) {
        const expected = size < least ? SRTP_TRUNCATED : SRTP_AUTHENTICATION;
        assert.equal(receiver.unprotectRtcp(sealed.slice(0, size)), expected, `${size} bytes`);
      }
    });

    test("RFC 3711 §9.2: no packet after the 2^31st", () => {
      const keys = testKeys(profile);
      const sender = new SrtpSender(nodeCrypto, keys, { firstRtcpIndex: 2 ** 31 - 1 });
      const receiver = new SrtpReceiver(nodeCrypto, keys);
      const last = good(sender.protectRtcp(rtcpPacket()));
      assert.deepEqual(good(receiver.unprotectRtcp(last)), rtcpPacket());
      assert.equal(sender.protectRtcp(rtcpPacket()), SRTP_INDEX_RANGE);
    });

    test("less than a header is not protected", () => {
      const { sender } = pair(profile);
      assert.equal(sender.protectRtcp(rtcpPacket().subarray(0, 7)), SRTP_TRUNCATED);
      assert.equal(sender.protectRtcp(new Uint8Array(8)), SRTP_TRUNCATED);
    });
  });
}

function forgedRtcp(ssrc: number): Uint8Array {
  const bytes = new Uint8Array(60);
  bytes.set(rtcpPacket(ssrc));
  return bytes;
}

test("RFC 3711 §3.4: AES-CM, a packet without the E bit is authenticated and left as it is", () => {
  const keys = testKeys("SRTP_AES128_CM_HMAC_SHA1_80");
  const { authKey } = deriveRtcpKeys(nodeCrypto, keys);
  const clear = Uint8Array.of(...rtcpPacket(), 0, 0, 0, 3);
  const tag = nodeCrypto.hmac("sha1", authKey).sign(clear).subarray(0, 10);
  const receiver = new SrtpReceiver(nodeCrypto, keys);
  assert.deepEqual(good(receiver.unprotectRtcp(Uint8Array.of(...clear, ...tag))), rtcpPacket());
  assert.equal(receiver.unprotectRtcp(Uint8Array.of(...clear, ...tag)), SRTP_REPLAYED);
});

describe("sending", () => {
  const profile = "SRTP_AEAD_AES_128_GCM";

  test("RFC 3711 §9.1: no index twice, none older than the window, none that is not the packet's", () => {
    const { sender } = pair(profile);
    good(sender.protect(rtpPacket(5000), 5000));
    assert.equal(sender.protect(rtpPacket(5000), 5000), SRTP_INDEX_USED);
    assert.equal(
      sender.protect(rtpPacket(5000 - INDEX_WINDOW), 5000 - INDEX_WINDOW),
      SRTP_INDEX_USED,
    );
    good(sender.protect(rtpPacket(5001 - INDEX_WINDOW), 5001 - INDEX_WINDOW));
    assert.equal(sender.protect(rtpPacket(5001), 5002), SRTP_INDEX_MISMATCH);
    good(sender.protect(rtpPacket(5000, 77), 5000));
  });

  test("RFC 3711 §9.2: no index below 0 or from 2^48 on", () => {
    const { sender } = pair(profile);
    assert.equal(sender.protect(rtpPacket(-1), -1), SRTP_INDEX_RANGE);
    const last = 2 ** 48 - 1;
    good(sender.protect(rtpPacket(last), last));
    assert.equal(sender.protect(rtpPacket(last + 1), last + 1), SRTP_INDEX_RANGE);
  });

  test("no more SSRCs than a receiver has place for", () => {
    const { sender } = pair(profile);
    for (let ssrc = 0; ssrc < MAX_SRTP_SSRCS; ssrc++) good(sender.protect(rtpPacket(1, ssrc), 1));
    assert.equal(sender.protect(rtpPacket(1, MAX_SRTP_SSRCS), 1), SRTP_TOO_MANY_SSRCS);
    good(sender.protect(rtpPacket(2, 0), 2));
  });
});

describe("RFC 5764 §4: profiles and keys out of DTLS", () => {
  test("lengths of the exported keying material", () => {
    assert.deepEqual(
      SRTP_PROFILES.map((info) => [info.name, srtpExportBytes(info)]),
      [
        ["SRTP_AEAD_AES_128_GCM", 56],
        ["SRTP_AEAD_AES_256_GCM", 88],
        ["SRTP_AES128_CM_HMAC_SHA1_80", 60],
      ],
    );
  });

  test("client key, server key, client salt, server salt", () => {
    const info = srtpProfileInfo("SRTP_AES128_CM_HMAC_SHA1_80");
    const material = Uint8Array.from({ length: 60 }, (_, i) => i);
    const { client, server } = splitSrtpKeys(info, material);
    assert.equal(client.profile, info.name);
    assert.deepEqual([client.masterKey[0], client.masterKey.length], [0, 16]);
    assert.deepEqual([server.masterKey[0], server.masterKey.length], [16, 16]);
    assert.deepEqual([client.masterSalt[0], client.masterSalt.length], [32, 14]);
    assert.deepEqual([server.masterSalt[0], server.masterSalt.length], [46, 14]);
  });

  test("keys of a wrong length are our own mistake", () => {
    const keys = testKeys("SRTP_AEAD_AES_128_GCM");
    const wrong = { ...keys, masterSalt: new Uint8Array(14) };
    assert.throws(() => new SrtpReceiver(nodeCrypto, wrong), RangeError);
  });
});
