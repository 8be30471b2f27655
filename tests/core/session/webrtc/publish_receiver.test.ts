import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault } from "../../../../core/base/mod.ts";
import type { Format } from "../../../../core/media/mod.ts";
import type { NegotiatedMedia } from "../../../../core/session/webrtc/negotiation/mod.ts";
import { encodeRtcp, type RtcpPacket } from "../../../../core/wire/rtcp/mod.ts";
import { decodeRtp } from "../../../../core/wire/rtp/mod.ts";
import { AUDIO, codec, Receiving, rtp, VIDEO } from "./publishing.ts";

const source = (ssrc: number, rtxSsrc?: number) => [{ ssrc, rtxSsrc, cname: undefined }];
const withSources = (line: NegotiatedMedia, ssrc: number, rtxSsrc?: number): NegotiatedMedia => ({
  ...line,
  remoteSources: source(ssrc, rtxSsrc),
});
const OFFERED = [withSources(AUDIO, 10), withSources(VIDEO, 20, 21)];
const osn = (sequence: number, ...payload: number[]): number[] => [
  (sequence >> 8) & 0xff,
  sequence & 0xff,
  ...payload,
];

describe("the line of a packet", () => {
  test("is the one whose SSRC the offer names", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 111, ssrc: 10, index: 5 });
    all.put({ payloadType: 96, ssrc: 20, index: 65_541 });
    assert.deepEqual(all.took(), [
      [0, 10, 5],
      [1, 20, 65_541],
    ]);
    assert.deepEqual(all.faults, []);
  });

  test("is the one its MID names, and its SSRC stands for it from then on", () => {
    const twice = [VIDEO, { ...VIDEO, index: 2, mid: "second" }];
    const all = new Receiving(twice);
    all.put({ payloadType: 96, ssrc: 30, mid: "second" });
    all.put({ payloadType: 96, ssrc: 31, mid: "1" });
    all.put({ payloadType: 96, ssrc: 30, index: 1 });
    assert.deepEqual(all.took(), [
      [2, 30, 0],
      [1, 31, 0],
      [2, 30, 1],
    ]);
  });

  test("is found by the payload type without either", () => {
    const all = new Receiving([AUDIO, VIDEO]);
    all.put({ payloadType: 96, ssrc: 30 });
    all.put({ payloadType: 63, ssrc: 31, payload: [111, 9] });
    assert.deepEqual(all.took(), [
      [1, 30, 0],
      [0, 31, 0],
    ]);
  });

  test("a MID with a payload type that is not the line's, and an unknown payload type, are counted", () => {
    const all = new Receiving([AUDIO, VIDEO]);
    all.put({ payloadType: 96, ssrc: 30, mid: "0" });
    all.put({ payloadType: 50, ssrc: 31 });
    assert.deepEqual(all.faults, ["unknown-source", "unknown-source"]);
    all.put({ payloadType: 96, ssrc: 30, mid: "1" });
    assert.deepEqual(all.took(), [[1, 30, 0]]);
  });

  test("a payload type that the line does not have is counted on a known SSRC too", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 50, ssrc: 20 });
    all.put({ payloadType: 111, ssrc: 20 });
    assert.deepEqual(all.took(), []);
    assert.deepEqual(all.faults, ["unknown-source", "unknown-source"]);
  });

  test("what is not RTP is counted", () => {
    const all = new Receiving(OFFERED);
    for (let length = 0; length < 12; length++) {
      all.receiver.onRtp(new Uint8Array(length).fill(0x80), 0, 0);
    }
    assert.equal(all.faults.length, 12);
  });
});

describe("a retransmission (RFC 4588)", () => {
  test("becomes the packet it repeats, under its index", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 96, ssrc: 20, index: 0x2_0005 });
    all.put({ payloadType: 97, ssrc: 21, index: 900, payload: osn(3, 7, 8), timestamp: 1234 });
    const [, one] = all.taken;
    assert.deepEqual([one?.line.index, one?.ssrc, one?.index], [1, 20, 0x2_0003]);
    const header = decodeRtp(one?.bytes ?? new Uint8Array(0));
    assert.ok(!isFault(header));
    assert.equal(header.payloadType, 96);
    assert.equal(header.sequenceNumber, 3);
    assert.equal(header.ssrc, 20);
    assert.equal(header.timestamp, 1234);
    assert.deepEqual(one?.bytes.subarray(header.payloadAt), Uint8Array.of(7, 8));
  });

  test("across a wrap of the sequence number, both ways", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 96, ssrc: 20, index: 0x1_0002 });
    all.put({ payloadType: 97, ssrc: 21, payload: osn(0xfffe, 7) });
    all.put({ payloadType: 97, ssrc: 21, index: 1, payload: osn(0, 7) });
    all.put({ payloadType: 96, ssrc: 20, index: 0x1_fffe });
    all.put({ payloadType: 97, ssrc: 21, index: 2, payload: osn(1, 7) });
    assert.deepEqual(
      all.took().map(([, , index]) => index),
      [0x1_0002, 0xfffe, 0x1_0000, 0x1_fffe, 0x2_0001],
    );
  });

  test("is counted from the highest packet, not from one that came late", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 96, ssrc: 20, index: 0x1_0001 });
    all.put({ payloadType: 96, ssrc: 20, index: 0x8002 });
    all.put({ payloadType: 97, ssrc: 21, payload: osn(2, 7) });
    assert.deepEqual(all.took().at(-1), [1, 20, 0x1_0002]);
  });

  test("that is missing itself is not asked for", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 96, ssrc: 20, index: 9 });
    all.put({ payloadType: 97, ssrc: 21, index: 0, payload: osn(8, 7) });
    all.put({ payloadType: 97, ssrc: 21, index: 5, payload: osn(8, 7) });
    assert.ok(!all.poll(100).some(({ type }) => type === "nack"));
  });

  test("before any packet of the media has the index that SRTP would have given it", () => {
    for (const sequence of [0, 1, 0x7fff, 0x8000, 0x9c40, 0xffff]) {
      const all = new Receiving(OFFERED);
      all.put({ payloadType: 97, ssrc: 21, payload: osn(sequence, 7) });
      assert.deepEqual(all.took(), [[1, 20, sequence]]);
    }
  });

  test("of a packet before the first one is of no use", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 96, ssrc: 20, index: 2 });
    all.put({ payloadType: 97, ssrc: 21, payload: osn(0xfff0, 7) });
    assert.deepEqual(all.took(), [[1, 20, 2]]);
  });

  test("on an SSRC the offer did not name belongs to the media SSRC heard last", () => {
    const all = new Receiving([AUDIO, VIDEO]);
    all.put({ payloadType: 97, ssrc: 99, payload: osn(4, 7) });
    assert.deepEqual(all.took(), [], "nobody knows yet what it repeats");
    all.put({ payloadType: 96, ssrc: 30, index: 5 });
    all.put({ payloadType: 97, ssrc: 99, index: 1, payload: osn(4, 7) });
    assert.deepEqual(all.took(), [
      [1, 30, 5],
      [1, 30, 4],
    ]);
  });

  test("of an unknown payload type gives nothing", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 96, ssrc: 20 });
    all.put({ payloadType: 98, ssrc: 21, payload: osn(4, 7) });
    assert.deepEqual(all.took(), [[1, 20, 0]]);
  });
});

test("probes of padding alone give nothing, on media and RTX", () => {
  const all = new Receiving(OFFERED);
  all.put({ payloadType: 96, ssrc: 20, payload: [], padding: 200 });
  all.put({ payloadType: 97, ssrc: 21, payload: [], padding: 200 });
  all.put({ payloadType: 97, ssrc: 21, index: 1, payload: osn(3), padding: 200 });
  all.put({ payloadType: 97, ssrc: 21, index: 2, payload: [9] });
  assert.deepEqual(all.took(), []);
  assert.deepEqual(all.faults, []);
});

describe("RED (RFC 2198)", () => {
  test("is taken down to its primary block", () => {
    const all = new Receiving(OFFERED);
    const payload = [0x80 | 111, 0, 0, 2, 111, 0xaa, 0xbb, 1, 2, 3];
    all.put({ payloadType: 63, ssrc: 10, index: 4, payload, padding: 4, mid: "0" });
    const [one] = all.taken;
    const header = decodeRtp(one?.bytes ?? new Uint8Array(0));
    assert.ok(!isFault(header));
    assert.equal(header.payloadType, 111);
    assert.equal(header.payloadEnd, one?.bytes.length, "the padding is gone");
    assert.deepEqual(one?.bytes.subarray(header.payloadAt), Uint8Array.of(1, 2, 3));
    assert.equal(one?.index, 4);
  });

  test("that is cut off, or of another codec, is counted", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 63, ssrc: 10, payload: [0x80 | 111, 0, 0] });
    all.put({ payloadType: 63, ssrc: 10, index: 1, payload: [0x80 | 111, 0, 0, 9, 111, 1] });
    all.put({ payloadType: 63, ssrc: 10, index: 2, payload: [96, 1] });
    assert.deepEqual(all.took(), []);
    assert.equal(all.faults.length, 3);
  });
});

describe("what the publisher is told", () => {
  const types = (packets: readonly RtcpPacket[]): string[] => packets.map(({ type }) => type);
  const feed = (all: Receiving, indexes: readonly number[]): void => {
    for (const index of indexes) {
      all.put({ payloadType: 96, ssrc: 20, index, transportSequence: index & 0xffff }, index);
    }
  };

  test("TWCC within 50 ms, NACK after 10 ms, RR after 1 s", () => {
    const all = new Receiving(OFFERED);
    feed(all, [0, 1, 4]);
    assert.deepEqual(all.poll(4), []);
    assert.equal(all.receiver.nextTimeout(), 14);
    const [nack] = all.poll(14);
    assert.deepEqual(nack, { type: "nack", senderSsrc: 77, mediaSsrc: 20, lost: [2, 3] });
    const [twcc] = all.poll(50).filter(({ type }) => type === "twcc");
    assert.ok(twcc?.type === "twcc");
    assert.equal(twcc.mediaSsrc, 20);
    assert.deepEqual(
      twcc.deltas.map((delta) => delta !== undefined),
      [true, true, false, false, true],
    );
    const report = all.poll(1000).filter(({ type }) => type === "rr" || type === "sdes");
    assert.deepEqual(types(report), ["rr", "sdes"]);
    const [rr] = report;
    assert.ok(rr?.type === "rr");
    assert.deepEqual([rr.blocks[0]?.ssrc, rr.blocks[0]?.highestSequence], [20, 4]);
    assert.equal(rr.blocks[0]?.cumulativeLost, 2);
  });

  test("a retransmission fills its hole", () => {
    const all = new Receiving(OFFERED);
    feed(all, [0, 2]);
    all.put({ payloadType: 97, ssrc: 21, payload: osn(1, 7) }, 3);
    assert.ok(!types(all.poll(200)).includes("nack"));
  });

  test("jitter goes by the clock of the packet's own codec, RED included", () => {
    const PCMU: Format = { codec: "pcmu", clockRate: 8000, channels: 1, parameters: "" };
    const line: NegotiatedMedia = { ...AUDIO, codecs: [...AUDIO.codecs, codec(0, PCMU)] };
    const jitter = (payloadType: number, rate: number): number => {
      const all = new Receiving([{ ...line, remoteSources: source(10) }]);
      // 20 ms apart by the codec's clock and by ours.
      for (let i = 0; i < 50; i++) {
        const timestamp = (i * rate) / 50;
        all.put({ payloadType, ssrc: 10, index: i, timestamp, payload: [111, 9] }, i * 20);
      }
      const report = all.poll(1000).find(({ type }) => type === "rr");
      assert.ok(report?.type === "rr");
      return report.blocks[0]!.jitter;
    };
    assert.deepEqual([jitter(111, 48_000), jitter(0, 8000), jitter(63, 48_000)], [0, 0, 0]);
    assert.ok(jitter(0, 48_000) > 100, "the test can fail");
  });

  test("lost audio asks for no keyframe", () => {
    const [opus] = AUDIO.codecs;
    const line = { ...AUDIO, codecs: [{ ...opus!, nack: true }] };
    const all = new Receiving([line]);
    all.put({ payloadType: 111, ssrc: 10, index: 0 }, 0);
    all.put({ payloadType: 111, ssrc: 10, index: 2 }, 0);
    for (let now = 0; now < 3000; now += 10) all.poll(now);
    assert.deepEqual(all.lost, []);
  });

  test("what stays lost is told, so that a keyframe can be asked for", () => {
    const all = new Receiving(OFFERED);
    feed(all, [0, 2]);
    for (let now = 0; now < 2000; now += 10) all.poll(now);
    assert.deepEqual(all.lost, [20]);
  });

  test("no NACK and no TWCC where they were not agreed on, or are configured off", () => {
    const plain = {
      ...VIDEO,
      codecs: [codec(96, VIDEO.codecs[0]!.format)],
      transportCcId: undefined,
    };
    for (const all of [
      new Receiving([withSources(plain, 20)]),
      new Receiving(OFFERED, { nack: false, twcc: false }),
    ]) {
      feed(all, [0, 1, 4]);
      assert.deepEqual(types(all.poll(900)), []);
      assert.deepEqual(types(all.poll(1100)), ["rr", "sdes"]);
    }
  });

  test("a keyframe is asked for by PLI, by FIR where that alone was agreed on, else not at all", () => {
    const format = VIDEO.codecs[0]!.format;
    const pli = new Receiving(OFFERED);
    pli.receiver.requestKeyframe(20);
    assert.deepEqual(pli.poll(0), [{ type: "pli", senderSsrc: 77, mediaSsrc: 20 }]);
    const fir = new Receiving([
      withSources({ ...VIDEO, codecs: [codec(96, format, { fir: true })] }, 20),
    ]);
    fir.receiver.requestKeyframe(20);
    fir.receiver.requestKeyframe(20);
    const requests = fir.poll(0).map((one) => one.type === "fir" && one.entries);
    assert.deepEqual(requests, [[{ ssrc: 20, sequence: 1 }], [{ ssrc: 20, sequence: 2 }]]);
    const none = new Receiving([withSources({ ...VIDEO, codecs: [codec(96, format)] }, 20)]);
    none.receiver.requestKeyframe(20);
    none.receiver.requestKeyframe(12_345);
    assert.deepEqual(none.poll(0), []);
  });
});

describe("what the publisher says", () => {
  const sr = (ssrc: number): RtcpPacket => ({
    type: "sr",
    ssrc,
    ntp: { seconds: 0xe000_0001, fraction: 0x8000_0000 },
    rtpTime: 90_000,
    packets: 1,
    octets: 3,
    blocks: [],
  });

  test("a sender report is passed on, and answered in the next RR", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 96, ssrc: 20 });
    all.receiver.onRtcp(encodeRtcp([sr(20)]), 500);
    assert.deepEqual(all.senderReports, [20]);
    const [rr] = all.poll(1000);
    assert.ok(rr?.type === "rr");
    assert.equal(rr.blocks[0]?.lastSr, 0x0001_8000);
    assert.equal(rr.blocks[0]?.delaySinceLastSr, 32_768);
  });

  test("of a source that said BYE there are no more reports, until it sends again", () => {
    const all = new Receiving(OFFERED);
    all.put({ payloadType: 96, ssrc: 20, index: 0 });
    all.put({ payloadType: 96, ssrc: 20, index: 9 });
    all.receiver.onRtcp(encodeRtcp([{ type: "bye", ssrcs: [20], reason: "" }]), 1);
    assert.deepEqual(all.poll(1000), []);
    all.put({ payloadType: 96, ssrc: 20, index: 10 }, 1001);
    assert.ok(all.poll(2100).some((one) => one.type === "rr" && one.blocks[0]?.ssrc === 20));
  });

  test("what is no RTCP is counted", () => {
    const all = new Receiving(OFFERED);
    all.receiver.onRtcp(Uint8Array.of(0x80, 200, 0, 9, 1, 2, 3, 4), 0);
    all.receiver.onRtcp(new Uint8Array(0), 0);
    assert.equal(all.faults.length, 2);
    assert.deepEqual(all.senderReports, []);
  });
});

test("whatever a publisher sends, nothing is thrown, and he is held to his bounds", () => {
  const all = new Receiving(OFFERED);
  const good = rtp({
    payloadType: 97,
    ssrc: 21,
    payload: osn(3, 7, 8),
    mid: "1",
    transportSequence: 9,
  });
  for (let length = 0; length <= good.length; length++) {
    all.receiver.onRtp(good.slice(0, length), 1, 0);
  }
  for (let bit = 0; bit < good.length * 8; bit++) {
    const spoilt = good.slice();
    spoilt[bit >> 3] = spoilt[bit >> 3]! ^ (1 << (bit & 7));
    all.receiver.onRtp(spoilt, 1, 0);
  }
  assert.ok(all.poll(2000).length < 100);
});
