import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  GenericNack,
  PictureLossIndication,
  ReceiverEstimatedMaxBitrate,
  RtcpPacketConverter,
  RtcpPayloadSpecificFeedback,
  RtcpRrPacket,
  RtcpSourceDescriptionPacket,
  RtcpSrPacket,
  RtcpTransportLayerFeedback,
} from "werift";
import { isFault, MonoportError } from "../../../../core/base/mod.ts";
import { concat, putU16 } from "../../../../core/bytes/mod.ts";
import {
  BAD_CONTENT,
  BAD_FEEDBACK,
  BAD_LENGTH,
  BAD_PADDING,
  CompoundCursor,
  compactNtp,
  decodeRtcp,
  encodeRtcp,
  highestSequenceAt,
  isRtcp,
  lastSrAt,
  NOT_RTCP,
  ntpFromUnix,
  Pt,
  type ReportBlock,
  type RtcpPacket,
  reportBlockAt,
  roundTripMillis,
  TRUNCATED,
  unixFromNtp,
} from "../../../../core/wire/rtcp/mod.ts";
import { vector } from "../../../vector.ts";

const block: ReportBlock = {
  ssrc: 0xdeadbeef,
  fractionLost: 64,
  cumulativeLost: -3,
  highestSequence: 0x0002_fffe,
  jitter: 90,
  lastSr: 0x12345678,
  delaySinceLastSr: 65_536,
};
const sr: RtcpPacket = {
  type: "sr",
  ssrc: 1,
  ntp: { seconds: 0xe900_0000, fraction: 0x8000_0000 },
  rtpTime: 0xffff_ffff,
  packets: 10,
  octets: 12_000,
  blocks: [block],
};
const samples: readonly RtcpPacket[] = [
  sr,
  { type: "rr", ssrc: 2, blocks: [block, { ...block, ssrc: 7, cumulativeLost: 0x7f_ffff }] },
  { type: "sdes", chunks: ["a", "ab", "abc", "abcd"].map((cname, ssrc) => ({ ssrc, cname })) },
  { type: "bye", ssrcs: [1, 2], reason: "teardown" },
  { type: "bye", ssrcs: [3], reason: "" },
  { type: "nack", senderSsrc: 4, mediaSsrc: 5, lost: [65_530, 65_531, 0, 10, 11, 600] },
  { type: "pli", senderSsrc: 6, mediaSsrc: 7 },
  { type: "fir", senderSsrc: 8, entries: [{ ssrc: 9, sequence: 255 }] },
  { type: "remb", senderSsrc: 10, bitrate: 2_500_000, ssrcs: [11, 12] },
  {
    type: "twcc",
    senderSsrc: 13,
    mediaSsrc: 14,
    baseSequence: 65_535,
    referenceTime: 0xff_ffff,
    feedbackCount: 255,
    deltas: [0, 255, undefined, 256, -1, 32_767, -32_768],
  },
];

function decoded(bytes: Uint8Array): RtcpPacket[] {
  const packets = decodeRtcp(bytes);
  assert.ok(!isFault(packets), String(packets));
  return packets;
}

describe("compound packets", () => {
  test("what is encoded is decoded, each kind alone and all in one", () => {
    for (const packet of samples) assert.deepEqual(decoded(encodeRtcp([packet])), [packet]);
    assert.deepEqual(decoded(encodeRtcp(samples)), samples);
  });

  test("a packet cut at any length is a fault, or holds the whole packets before the cut", () => {
    const bytes = encodeRtcp(samples);
    for (let length = 0; length < bytes.length; length++) {
      const packets = decodeRtcp(bytes.subarray(0, length));
      if (isFault(packets)) continue;
      assert.deepEqual(packets, samples.slice(0, packets.length));
      assert.equal(encodeRtcp(packets).length, length);
    }
    assert.equal(decodeRtcp(new Uint8Array(0)), TRUNCATED);
    assert.equal(decodeRtcp(bytes.subarray(0, 3)), TRUNCATED);
    assert.equal(decodeRtcp(bytes.subarray(0, 27)), BAD_LENGTH);
  });

  test("no flipped bit makes the decoder throw", () => {
    const bytes = encodeRtcp(samples);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const copy = bytes.slice();
      copy[bit >> 3]! ^= 0x80 >> (bit & 7);
      const packets = decodeRtcp(copy);
      if (!isFault(packets)) assert.ok(packets.length <= samples.length + 8);
    }
  });

  test("any bytes behind a right header never make the decoder throw", () => {
    const anyHeader = fc.record({
      count: fc.nat({ max: 31 }),
      type: fc.constantFrom(200, 201, 202, 203, 204, 205, 206, 207),
      body: fc.uint8Array({ maxLength: 120 }),
    });
    fc.assert(
      fc.property(fc.array(anyHeader, { minLength: 1, maxLength: 4 }), (parts) => {
        const packets = parts.map(({ count, type, body }) => {
          const words = body.length >> 2;
          const bytes = Uint8Array.of(0x80 | count, type, 0, 0, ...body.subarray(0, words * 4));
          putU16(bytes, 2, words);
          return bytes;
        });
        decodeRtcp(concat(packets));
      }),
      { seed: 3550, numRuns: 500 },
    );
  });

  test("XR, APP and unknown feedback are passed over", () => {
    const others = [
      Uint8Array.of(0x80, 207, 0, 1, 0, 0, 0, 1), // XR
      Uint8Array.of(0x81, 204, 0, 2, 0, 0, 0, 1, 0x61, 0x62, 0x63, 0x64), // APP
      Uint8Array.of(0x83, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2), // TMMBR
      Uint8Array.of(0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0x67, 0x6f, 0x6f, 0x67), // not REMB
    ];
    assert.deepEqual(decoded(concat([...others, encodeRtcp([sr])])), [sr]);
  });

  test("padding is left out, by whole words or by the 1 to 3 bytes of TWCC", () => {
    const pli = encodeRtcp([{ type: "pli", senderSsrc: 6, mediaSsrc: 7 }]);
    const padded = concat([pli, Uint8Array.of(0, 0, 0, 4)]);
    padded[0] = 0xa1;
    padded[3] = 3;
    assert.deepEqual(decoded(padded), [{ type: "pli", senderSsrc: 6, mediaSsrc: 7 }]);
    for (const wrong of [0, 13, 255]) {
      padded[15] = wrong;
      assert.equal(decodeRtcp(padded), BAD_PADDING);
    }
    padded[15] = 8; // reaches into the SSRCs
    assert.equal(decodeRtcp(padded), BAD_FEEDBACK);
  });

  test("counts beyond the packet are faults", () => {
    const wrong = [
      Uint8Array.of(0x81, 200, 0, 6, ...new Uint8Array(24)),
      Uint8Array.of(0x81, 201, 0, 1, 0, 0, 0, 1),
      Uint8Array.of(0x82, 203, 0, 1, 0, 0, 0, 1),
      Uint8Array.of(0x81, 203, 0, 2, 0, 0, 0, 1, 4, 0x61, 0x62, 0x63), // BYE reason past the end
      Uint8Array.of(0x81, 202, 0, 2, 0, 0, 0, 1, 1, 3, 0x61, 0x62), // CNAME past the end
      Uint8Array.of(0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 0x61, 0x62), // no zero behind the items
      Uint8Array.of(0x81, 202, 0, 2, 0, 0, 0, 1, 1, 1, 0x61, 1), // an item without a length
    ];
    for (const bytes of wrong) assert.equal(decodeRtcp(bytes), BAD_CONTENT);
    assert.equal(decodeRtcp(Uint8Array.of(0x41, 206, 0, 0)), NOT_RTCP);
    const remb = vector("rtcp_remb");
    remb[16] = 4;
    assert.equal(decodeRtcp(remb), BAD_FEEDBACK);
  });

  test("lists too long for one packet are our mistake", () => {
    const blocks = new Array<ReportBlock>(32).fill(block);
    assert.throws(() => encodeRtcp([{ type: "rr", ssrc: 1, blocks }]), MonoportError);
    const cname = "x".repeat(256);
    assert.throws(
      () => encodeRtcp([{ type: "sdes", chunks: [{ ssrc: 1, cname }] }]),
      MonoportError,
    );
  });

  test("the packet type tells RTCP from RTP on one port, RFC 5761 §4", () => {
    assert.ok(isRtcp(encodeRtcp([sr])));
    assert.ok(!isRtcp(Uint8Array.of(0x80, 96)));
    assert.ok(!isRtcp(Uint8Array.of(0x80, 0xe0)));
    assert.ok(!isRtcp(Uint8Array.of(0x16, 200)));
    assert.ok(!isRtcp(Uint8Array.of(0x80)));
  });

  test("a cursor reads report blocks without making objects", () => {
    const cursor = new CompoundCursor();
    cursor.start(encodeRtcp(samples));
    const seen: [number, number, number][] = [];
    let packets = 0;
    while (cursor.next()) {
      packets += 1;
      if (cursor.type !== Pt.SenderReport && cursor.type !== Pt.ReceiverReport) continue;
      for (let i = 0; i <= cursor.count; i++) {
        const at = reportBlockAt(cursor, i);
        if (at < 0) assert.equal(i, cursor.count);
        else seen.push([i, highestSequenceAt(cursor.bytes, at), lastSrAt(cursor.bytes, at)]);
      }
    }
    assert.equal(cursor.fault, undefined);
    assert.equal(packets, samples.length);
    assert.deepEqual(seen, [
      [0, 0x2_fffe, 0x12345678],
      [0, 0x2_fffe, 0x12345678],
      [1, 0x2_fffe, 0x12345678],
    ]);
    cursor.start(Uint8Array.of(0x80, 201, 0, 0)); // RR without even an SSRC
    assert.ok(cursor.next());
    assert.equal(reportBlockAt(cursor, 0), -1);
  });
});

describe("single packets", () => {
  test("REMB as libwebrtc writes it", () => {
    const bytes = vector("rtcp_remb");
    const packet: RtcpPacket = {
      type: "remb",
      senderSsrc: 0x12345678,
      bitrate: 522_022,
      ssrcs: [0x23456789, 0x2345678a, 0x2345678b],
    };
    assert.deepEqual(decoded(bytes), [packet]);
    assert.deepEqual(encodeRtcp([packet]), bytes);
  });

  test("a NACK packs 17 sequence numbers in an item, across the wrap", () => {
    const lost = Array.from({ length: 17 }, (_, i) => (65_530 + i) & 0xffff);
    const bytes = encodeRtcp([{ type: "nack", senderSsrc: 1, mediaSsrc: 2, lost }]);
    assert.equal(bytes.length, 16);
    assert.deepEqual(bytes.subarray(12), Uint8Array.of(0xff, 0xfa, 0xff, 0xff));
  });

  test("any NACK survives", () => {
    const anyLost = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 1 });
    fc.assert(
      fc.property(anyLost, fc.integer({ min: 0, max: 65_535 }), (steps, base) => {
        const lost = steps.toSorted((a, b) => a - b).map((step) => (base + step) & 0xffff);
        const packet: RtcpPacket = { type: "nack", senderSsrc: 1, mediaSsrc: 2, lost };
        assert.deepEqual(decoded(encodeRtcp([packet])), [packet]);
      }),
      { seed: 4585, numRuns: 100 },
    );
  });

  test("NTP and Unix time, and the round trip of RFC 3550 figure 2", () => {
    const unix = 1_700_000_000_123.5;
    const ntp = ntpFromUnix(unix);
    assert.equal(ntp.seconds, 1_700_000_000 + 2_208_988_800);
    assert.ok(Math.abs(unixFromNtp(ntp) - unix) < 0.001);
    assert.equal(compactNtp({ seconds: 0xb44d_b705, fraction: 0x2000_0000 }), 0xb705_2000);
    // A = b710:8000, DLSR = 0005:4000, LSR = b705:2000, delay 6.125 s
    assert.equal(roundTripMillis(0xb705_2000, 0x0005_4000, 0xb710_8000), 6_125);
    assert.equal(roundTripMillis(0, 0, 0xb710_8000), undefined);
    assert.equal(roundTripMillis(0xb710_8000, 1, 0xb710_8000), undefined);
  });
});

test("werift reads what we write", () => {
  // One at a time: it lets the first feedback packet of a compound run into the next.
  const read = samples.flatMap((packet) =>
    RtcpPacketConverter.deSerialize(Buffer.from(encodeRtcp([packet]))),
  );
  const report = read[0];
  assert.ok(report instanceof RtcpSrPacket);
  assert.equal(report.senderInfo.ntpTimestamp, 0xe900_0000_8000_0000n);
  assert.equal(report.reports[0]?.highestSequence, block.highestSequence);
  const rr = read[1];
  assert.ok(rr instanceof RtcpRrPacket);
  assert.deepEqual(
    { ...rr.reports[1] },
    {
      ssrc: 7,
      fractionLost: 64,
      packetsLost: 0x7f_ffff,
      highestSequence: block.highestSequence,
      jitter: 90,
      lsr: block.lastSr,
      dlsr: block.delaySinceLastSr,
    },
  );
  const sdes = read[2];
  assert.ok(sdes instanceof RtcpSourceDescriptionPacket);
  assert.equal(sdes.chunks[0]?.items[0]?.text, "a");
  const feedback = read.flatMap((packet) =>
    packet instanceof RtcpTransportLayerFeedback || packet instanceof RtcpPayloadSpecificFeedback
      ? [packet.feedback]
      : [],
  );
  const nack = feedback.find((one) => one instanceof GenericNack);
  assert.deepEqual(
    nack?.lost.map((sequence) => sequence & 0xffff),
    [65_530, 65_531, 0, 10, 11, 600],
  );
  assert.ok(feedback.some((one) => one instanceof PictureLossIndication && one.mediaSsrc === 7));
  const remb = feedback.find((one) => one instanceof ReceiverEstimatedMaxBitrate);
  assert.equal(Number(remb?.bitrate), 2_500_000);
});

test("we read what werift writes", () => {
  const nack = new GenericNack({ senderSsrc: 1, mediaSourceSsrc: 2, lost: [5, 6, 20, 100] });
  const pli = new PictureLossIndication({ senderSsrc: 3, mediaSsrc: 4 });
  const bytes = Buffer.concat([
    new RtcpTransportLayerFeedback({ feedback: nack }).serialize(),
    new RtcpPayloadSpecificFeedback({ feedback: pli }).serialize(),
  ]);
  assert.deepEqual(decoded(new Uint8Array(bytes)), [
    { type: "nack", senderSsrc: 1, mediaSsrc: 2, lost: [5, 6, 20, 100] },
    { type: "pli", senderSsrc: 3, mediaSsrc: 4 },
  ]);
});

test("RFC 5761 §4: packet types 192 to 223 are RTCP", () => {
  for (let type = 0; type < 256; type++) {
    assert.equal(isRtcp(Uint8Array.of(0x80, type)), type >= 192 && type <= 223, String(type));
  }
  assert.equal(isRtcp(Uint8Array.of(0x80)), false);
  assert.equal(isRtcp(new Uint8Array(0)), false);
});
