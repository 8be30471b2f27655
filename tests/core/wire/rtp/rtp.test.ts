import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Fault, isFault } from "../../../../core/base/mod.ts";
import {
  decodeRtp,
  encodeRtpHeader,
  primaryOfRed,
  RED_TRUNCATED,
  RTP_PADDING,
  RTP_TRUNCATED,
  RTP_VERSION,
  RTX_TRUNCATED,
  type RtpHeader,
  rtpHeaderLength,
  unwrapRtx,
  wrapRtx,
} from "../../../../core/wire/rtp/mod.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** Two CSRCs, a one-byte extension of two words, 4 bytes of payload, 3 of padding. */
const FULL = hex(
  "b2e0 1234 89abcdef cafebabe 00000001 00000002 bede0002 10aa 51bbcc 000000 01020304 000003",
);

function decoded(bytes: Uint8Array): RtpHeader {
  const header = decodeRtp(bytes);
  assert.ok(!isFault(header), String(header));
  return header;
}

describe("RFC 3550 §5.1: RTP header", () => {
  test("every field is read, payload lies between extension and padding", () => {
    assert.deepEqual(decoded(FULL), {
      payloadType: 96,
      marker: true,
      sequenceNumber: 0x1234,
      timestamp: 0x89abcdef,
      ssrc: 0xcafebabe,
      payloadAt: 32,
      payloadEnd: 36,
      extensionAt: 24,
      extensionEnd: 32,
      profile: 0xbede,
    });
    assert.equal(rtpHeaderLength(FULL), 32);
  });

  test("a plain header round-trips", () => {
    const out = new Uint8Array(13);
    assert.equal(encodeRtpHeader(out, 0, 111, false, 65535, 0xfffffffe, 0xfedcba98), 12);
    const header = decoded(out);
    assert.equal(header.payloadType, 111);
    assert.equal(header.marker, false);
    assert.equal(header.sequenceNumber, 65535);
    assert.equal(header.timestamp, 0xfffffffe);
    assert.equal(header.ssrc, 0xfedcba98);
    assert.equal(header.payloadAt, 12);
    assert.equal(header.payloadEnd, 13);
    assert.equal(header.profile, 0);
  });

  test("a packet cut inside its header is refused at every length", () => {
    const plain = FULL.slice();
    plain[0] = plain[0]! & ~0x20;
    for (let size = 0; size < plain.length; size++) {
      const header = decodeRtp(plain.subarray(0, size));
      if (size < 32) assert.equal(header, RTP_TRUNCATED, `at ${size}`);
      else assert.equal((header as RtpHeader).payloadEnd, size);
      assert.equal(isFault(rtpHeaderLength(plain, size)), size < 32);
    }
  });

  test("a version other than 2 is refused", () => {
    for (const version of [0, 1, 3]) {
      const bytes = FULL.slice();
      bytes[0] = (version << 6) | (bytes[0]! & 0x3f);
      assert.equal(decodeRtp(bytes), RTP_VERSION);
      assert.equal(rtpHeaderLength(bytes), RTP_VERSION);
    }
  });

  test("padding of 0, or larger than what is behind the header, is refused; all of it is allowed", () => {
    for (const [padding, fine] of [
      [0, false],
      [7, true],
      [8, false],
      [255, false],
    ] as const) {
      const bytes = FULL.slice();
      bytes[bytes.length - 1] = padding;
      const header = decodeRtp(bytes);
      if (!fine) assert.equal(header, RTP_PADDING);
      else assert.equal((header as RtpHeader).payloadEnd, (header as RtpHeader).payloadAt);
    }
  });

  test("no flipped bit makes offsets leave the packet", () => {
    for (let bit = 0; bit < FULL.length * 8; bit++) {
      const bytes = FULL.slice();
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (0x80 >> (bit & 7));
      holds(bytes);
    }
  });

  test("random bytes give a fault or offsets in order", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.integer({ min: 0x80, max: 0xbf }),
        (bytes, first) => {
          if (bytes.length > 0) bytes[0] = first;
          holds(bytes);
        },
      ),
      { seed: 1, numRuns: 2000 },
    );
  });
});

function holds(bytes: Uint8Array): void {
  const header = decodeRtp(bytes);
  if (header instanceof Fault) return;
  assert.ok(header.payloadAt >= 12 && header.payloadAt <= header.payloadEnd);
  assert.ok(header.payloadEnd <= bytes.length);
  assert.ok(header.extensionAt <= header.extensionEnd && header.extensionEnd <= header.payloadAt);
  assert.equal(rtpHeaderLength(bytes), header.payloadAt);
}

describe("RFC 4588 §4: retransmission", () => {
  test("wrapping and unwrapping gives the packet back, without its padding", () => {
    const rtx = wrapRtx(FULL, decoded(FULL), 0x1234, 0x55667788, 97, 7);
    const header = decoded(rtx);
    assert.equal(header.ssrc, 0x55667788);
    assert.equal(header.payloadType, 97);
    assert.equal(header.sequenceNumber, 7);
    assert.equal(header.marker, true);
    assert.equal(header.timestamp, 0x89abcdef);
    assert.equal(header.extensionAt, 24);
    assert.deepEqual([...rtx.subarray(header.payloadAt)], [0x12, 0x34, 1, 2, 3, 4]);
    const back = unwrapRtx(rtx, header, 0xcafebabe, 96);
    const expected = FULL.slice(0, 36);
    expected[0] = expected[0]! & ~0x20;
    assert.deepEqual(back, expected);
  });

  test("a payload without the original sequence number is refused", () => {
    for (const payload of ["", "01"]) {
      const bytes = hex(`8061 0001 00000000 00000001${payload}`);
      assert.equal(unwrapRtx(bytes, decoded(bytes), 1, 96), RTX_TRUNCATED);
    }
    const least = hex("8061 0001 00000000 00000001 beef");
    const back = unwrapRtx(least, decoded(least), 2, 96);
    assert.deepEqual(back, hex("8060 beef 00000000 00000002"));
  });
});

describe("RFC 2198 §3: RED", () => {
  const red = hex("ef 000c03 ef 000402 6f aaaaaa bbbb cc dd");

  test("the primary block is the last one", () => {
    assert.deepEqual(primaryOfRed(red), { payloadType: 0x6f, at: 14, end: 16 });
    assert.deepEqual(primaryOfRed(hex("6f0102")), { payloadType: 0x6f, at: 1, end: 3 });
    assert.deepEqual(primaryOfRed(hex("ffff6f0102ff"), 2, 5), { payloadType: 0x6f, at: 3, end: 5 });
  });

  test("block lengths beyond the payload are refused at every cut", () => {
    for (let size = 0; size < red.length; size++) {
      const primary = primaryOfRed(red.subarray(0, size));
      if (size < 14) assert.equal(primary, RED_TRUNCATED, `at ${size}`);
      else assert.deepEqual(primary, { payloadType: 0x6f, at: 14, end: size });
    }
  });

  test("random bytes give a fault or a block inside the payload", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const primary = primaryOfRed(bytes);
        if (primary instanceof Fault) return;
        assert.ok(primary.at <= primary.end && primary.end === bytes.length && primary.at > 0);
      }),
      { seed: 2, numRuns: 2000 },
    );
  });
});
