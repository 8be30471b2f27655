import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ViewerFeedback } from "../../../../core/session/webrtc/viewer_feedback.ts";
import {
  blockSsrcAt,
  encodeRtcp,
  highestSequenceAt,
  type ReportBlock,
  type RtcpPacket,
} from "../../../../core/wire/rtcp/mod.ts";

const OURS = 500;

interface Told {
  readonly all: unknown[][];
  readonly feedback: ViewerFeedback;
}

function viewer(): Told {
  const all: unknown[][] = [];
  const feedback = new ViewerFeedback(
    {
      handleReportBlock: (bytes, at, now) =>
        all.push(["rr", blockSsrcAt(bytes, at), highestSequenceAt(bytes, at), now]),
      handleTransportFeedback: (bytes, at, end, now) =>
        all.push(["twcc", at, end, now, bytes[at + 9]]),
      handleRemb: (bitrate, now) => all.push(["remb", bitrate, now]),
      handleNack: (ssrc, lost, now) => all.push(["nack", ssrc, [...lost], now]),
      handleKeyframeRequest: (now) => all.push(["keyframe", now]),
    },
    ({ code }) => all.push(["fault", code]),
  );
  return { all, feedback };
}

function told(packets: readonly RtcpPacket[]): unknown[][] {
  const { all, feedback } = viewer();
  feedback.onRtcp(encodeRtcp(packets), 7);
  return all;
}

const block = (ssrc: number, highestSequence: number): ReportBlock => ({
  ssrc,
  fractionLost: 0,
  cumulativeLost: -1,
  highestSequence,
  jitter: 0,
  lastSr: 0,
  delaySinceLastSr: 0,
});

describe("what a viewer says", () => {
  test("each report block of an RR, and of an SR, tells how far he got", () => {
    const blocks = [block(OURS, 0xffff_0001), block(OURS + 1, 3)];
    const expected = [
      ["rr", OURS, 0xffff_0001, 7],
      ["rr", OURS + 1, 3, 7],
    ];
    assert.deepEqual(told([{ type: "rr", ssrc: 1, blocks }]), expected);
    const sr: RtcpPacket = {
      type: "sr",
      ssrc: 1,
      ntp: { seconds: 0xffff_ffff, fraction: 1 },
      rtpTime: 2,
      packets: 3,
      octets: 4,
      blocks,
    };
    assert.deepEqual(told([sr]), expected);
    assert.deepEqual(told([{ type: "rr", ssrc: 1, blocks: [] }]), []);
  });

  test("transport feedback is handed on where it lies, REMB as its bitrate", () => {
    const twcc: RtcpPacket = {
      type: "twcc",
      senderSsrc: 1,
      mediaSsrc: OURS,
      baseSequence: 9,
      referenceTime: 5,
      feedbackCount: 1,
      deltas: [1, undefined, 4],
    };
    const remb: RtcpPacket = { type: "remb", senderSsrc: 1, bitrate: 1e6, ssrcs: [OURS] };
    // 16 bytes, a chunk, two deltas, and no padding: 20 bytes behind the header.
    assert.deepEqual(told([{ type: "rr", ssrc: 1, blocks: [] }, twcc, remb]), [
      ["twcc", 12, 32, 7, 9],
      ["remb", 1e6, 7],
    ]);
  });

  test("NACK tells the numbers he lacks, and PLI and FIR that he needs a keyframe", () => {
    const nack: RtcpPacket = { type: "nack", senderSsrc: 1, mediaSsrc: OURS, lost: [5, 6, 30] };
    assert.deepEqual(told([nack]), [["nack", OURS, [5, 6, 30], 7]]);
    assert.deepEqual(told([{ type: "pli", senderSsrc: 1, mediaSsrc: OURS }]), [["keyframe", 7]]);
    const entries = [{ ssrc: OURS, sequence: 1 }];
    assert.deepEqual(told([{ type: "fir", senderSsrc: 1, entries }]), [["keyframe", 7]]);
  });

  test("a compound packet is read to its end, what does not concern us is passed over", () => {
    assert.deepEqual(
      told([
        { type: "rr", ssrc: 1, blocks: [block(OURS, 4)] },
        { type: "sdes", chunks: [{ ssrc: 1, cname: "viewer" }] },
        { type: "remb", senderSsrc: 1, bitrate: 1e6, ssrcs: [OURS] },
        { type: "pli", senderSsrc: 1, mediaSsrc: OURS },
        { type: "bye", ssrcs: [1], reason: "" },
      ]),
      [
        ["rr", OURS, 4, 7],
        ["remb", 1e6, 7],
        ["keyframe", 7],
      ],
    );
  });

  test("media of a viewer is passed over", () => {
    const { all, feedback } = viewer();
    feedback.onRtp();
    assert.deepEqual(all, []);
  });
});

test("what is no RTCP, cut or spoilt, is a fault or nothing, and never thrown", () => {
  const good = encodeRtcp([
    { type: "rr", ssrc: 1, blocks: [block(OURS, 4)] },
    { type: "nack", senderSsrc: 1, mediaSsrc: OURS, lost: [5, 60] },
    {
      type: "twcc",
      senderSsrc: 1,
      mediaSsrc: OURS,
      baseSequence: 1,
      referenceTime: 5,
      feedbackCount: 1,
      deltas: [1, undefined, 300],
    },
  ]);
  for (let length = 0; length < good.length; length++) {
    const { all, feedback } = viewer();
    feedback.onRtcp(good.slice(0, length), 0);
    const whole = length === 32 || length === 52; // the end of a packet
    assert.equal(
      all.some(([what]) => what === "fault"),
      !whole,
      `cut at ${length}`,
    );
  }
  for (let bit = 0; bit < good.length * 8; bit++) {
    const spoilt = good.slice();
    spoilt[bit >> 3] = spoilt[bit >> 3]! ^ (1 << (bit & 7));
    viewer().feedback.onRtcp(spoilt, 0);
  }
});
