import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault, type SrtpProfile } from "../../../../core/base/mod.ts";
import { CounterBlocks } from "../../../../core/wire/srtp/counter_mode.ts";
import { CounterTransform } from "../../../../core/wire/srtp/counter_transform.ts";
import { GcmTransform } from "../../../../core/wire/srtp/gcm_transform.ts";
import { deriveRtpKeys } from "../../../../core/wire/srtp/key_derivation.ts";
import { SrtpReceiver, SrtpSender, srtpProfileInfo } from "../../../../core/wire/srtp/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { vector } from "../../../vector.ts";

const CM: SrtpProfile = "SRTP_AES128_CM_HMAC_SHA1_80";
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const B3 = {
  profile: CM,
  masterKey: hex("e1f97a0d3e018be0d64fa32c06de4139"),
  masterSalt: hex("0ec675ad498afeebb6960b3aabe6"),
};

test("RFC 3711 B.2: AES-CM keystream, up to block 0xff01", () => {
  const expected = vector("srtp/rfc3711_b2");
  const transform = new CounterTransform(
    nodeCrypto,
    {
      key: hex("2b7e151628aed2a6abf7158809cf4f3c"),
      salt: hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd"),
      authKey: new Uint8Array(20),
    },
    new CounterBlocks(),
  );
  // Zeroes under SSRC 0 and index 0 become the keystream itself.
  const bytes = new Uint8Array(12 + 0xff02 * 16 + 10);
  transform.sealRtp(bytes, 12, bytes.length - 10, 0, 0);
  assert.deepEqual(bytes.slice(12, 12 + 48), expected.slice(0, 48));
  assert.deepEqual(bytes.slice(12 + 0xfeff * 16, bytes.length - 10), expected.slice(48));
});

test("RFC 3711 B.3: key derivation", () => {
  const { key, salt, authKey } = deriveRtpKeys(nodeCrypto, B3);
  assert.deepEqual(Uint8Array.of(...key, ...salt, ...authKey), vector("srtp/rfc3711_b3"));
});

test("libsrtp's reference packets", () => {
  const sealed = vector("srtp/libsrtp_reference");
  const rtp = hex(`800f1234decafbadcafebabe${"ab".repeat(16)}`);
  const rtcp = hex(`81c8000bcafebabe${"ab".repeat(16)}`);
  const sender = new SrtpSender(nodeCrypto, B3, { firstRtcpIndex: 1 });
  assert.deepEqual(sender.protect(rtp, 0x1234), sealed.slice(0, 38));
  assert.deepEqual(sender.protectRtcp(rtcp), sealed.slice(38));
  const receiver = new SrtpReceiver(nodeCrypto, B3);
  const opened = receiver.unprotect(sealed.slice(0, 38));
  assert.ok(!isFault(opened), String(opened));
  assert.deepEqual(opened, { packet: rtp, index: 0x1234 });
  assert.deepEqual(receiver.unprotectRtcp(sealed.slice(38)), rtcp);
});

for (const bits of [128, 256] as const) {
  describe(`RFC 7714 §16, §17: AEAD_AES_${bits}_GCM`, () => {
    const transform = new GcmTransform(nodeCrypto, {
      key: Uint8Array.from({ length: bits / 8 }, (_, i) => i),
      salt: hex("517569642070726f2071756f"),
      authKey: new Uint8Array(20),
    });
    const ssrc = 0x4d617273;

    test("SRTP", () => {
      const plain = vector("srtp/rfc7714_rtp");
      const sealed = vector(`srtp/rfc7714_gcm${bits}_srtp`);
      const bytes = new Uint8Array(plain.length + 16);
      bytes.set(plain);
      transform.sealRtp(bytes, 12, plain.length, 0x5501a0b2, 0xf17b);
      assert.deepEqual(bytes, sealed);
      assert.ok(transform.openRtp(bytes, 12, 0x5501a0b2, 0xf17b));
      assert.deepEqual(bytes.slice(0, plain.length), plain);
      assert.ok(!transform.openRtp(sealed, 12, 0x5501a0b2, 0x1f17b), "another rollover counter");
    });

    test("SRTCP, encrypted", () => {
      const plain = vector("srtp/rfc7714_rtcp");
      const sealed = vector(`srtp/rfc7714_gcm${bits}_srtcp`);
      const bytes = new Uint8Array(plain.length + 20);
      bytes.set(plain);
      transform.sealRtcp(bytes, plain.length, ssrc, 0x5d4);
      assert.deepEqual(bytes, sealed);
      assert.ok(transform.openRtcp(bytes, ssrc, 0x800005d4));
      assert.deepEqual(bytes.slice(0, plain.length), plain);
    });

    test("SRTCP, authenticated only", () => {
      const sealed = vector(`srtp/rfc7714_gcm${bits}_srtcp_clear`);
      assert.ok(transform.openRtcp(sealed, ssrc, 0x5d4));
      assert.deepEqual(sealed.slice(0, -20), vector("srtp/rfc7714_rtcp"));
      const flipped = sealed.slice();
      flipped[9] = flipped[9]! ^ 1;
      assert.ok(!transform.openRtcp(flipped, ssrc, 0x5d4));
    });
  });
}

/**
 * The packets that the generator of the libsrtp vectors protects: a CSRC, an extension, 37 bytes.
 */
function libsrtpPlain(sequence: number): Uint8Array {
  const head = [0x91, 0xe0, sequence >> 8, sequence & 255, 0, 1, sequence >> 8, sequence & 255];
  const rest = hex("cafebabe63737263bede000112010203");
  const payload = Array.from({ length: 37 }, (_, i) => (i ^ sequence) & 255);
  return Uint8Array.of(...head, ...rest, ...payload);
}

const LIBSRTP: readonly (readonly [SrtpProfile, string])[] = [
  [CM, "cm"],
  ["SRTP_AEAD_AES_128_GCM", "gcm128"],
  ["SRTP_AEAD_AES_256_GCM", "gcm256"],
];

for (const [profile, name] of LIBSRTP) {
  test(`libsrtp's ${profile}: key derivation, extension, rollover, SRTCP`, () => {
    const { keyBytes, saltBytes, tagBytes } = srtpProfileInfo(profile);
    const material = Uint8Array.from({ length: keyBytes + saltBytes }, (_, i) => i * 7 + 1);
    const keys = {
      profile,
      masterKey: material.slice(0, keyBytes),
      masterSalt: material.slice(keyBytes),
    };
    const sender = new SrtpSender(nodeCrypto, keys, { firstRtcpIndex: 1 });
    const receiver = new SrtpReceiver(nodeCrypto, keys);
    const all = vector(`srtp/libsrtp_${name}_rtp`);
    const size = libsrtpPlain(0).length + tagBytes;
    for (const [i, index] of [32767, 65535, 65536].entries()) {
      const sealed = all.slice(i * size, (i + 1) * size);
      const plain = libsrtpPlain(index & 0xffff);
      assert.deepEqual(sender.protect(plain, index), sealed);
      assert.deepEqual(receiver.unprotect(sealed), { packet: plain, index });
    }
    const rtcp = hex("80c90001cafebabe81ce0002cafebabe0000002a");
    const sealed = vector(`srtp/libsrtp_${name}_rtcp`);
    assert.deepEqual(sender.protectRtcp(rtcp), sealed);
    assert.deepEqual(receiver.unprotectRtcp(sealed), rtcp);
  });
}
