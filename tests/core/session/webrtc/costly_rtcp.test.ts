import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../../core/bytes/mod.ts";
import { PublisherFeedback } from "../../../../core/session/webrtc/publisher_feedback.ts";
import { ViewerFeedback } from "../../../../core/session/webrtc/viewer_feedback.ts";
import { BandwidthEstimator } from "../../../../core/stream/bandwidth.ts";
import { encodeRtcp } from "../../../../core/wire/rtcp/mod.ts";

/** What one RFC 4571 frame holds (18,445 bytes), filled with the shortest feedback that says most. */
const FEEDBACKS = 460;
/** Decoding all of it took 1.5 s; what is needed of it takes less than a millisecond. */
const MOST_MILLIS = 700;

/** Transport-wide feedback about 65,535 packets, none of which came. */
function feedback(): Uint8Array {
  const bytes = new Uint8Array(40);
  const view = new DataView(bytes.buffer);
  bytes.set([0x80 | 15, 205, 0, 9]);
  view.setUint16(14, 65_535);
  for (let chunk = 0; chunk < 9; chunk++) view.setUint16(20 + 2 * chunk, 0x1fff);
  return bytes;
}

const COMPOUND = concat([
  encodeRtcp([
    {
      type: "sr",
      ssrc: 5,
      ntp: { seconds: 1, fraction: 2 },
      rtpTime: 3,
      packets: 4,
      octets: 5,
      blocks: [],
    },
    { type: "pli", senderSsrc: 1, mediaSsrc: 2 },
  ]),
  ...Array.from({ length: FEEDBACKS }, feedback),
]);

function millisOf(run: () => void): number {
  const before = performance.now();
  run();
  return performance.now() - before;
}

describe("one RTCP packet that speaks of 30 million others", () => {
  test("costs a viewer's session next to nothing, and his PLI is heard", () => {
    let requests = 0;
    const estimator = new BandwidthEstimator();
    estimator.sent(70_000, 10, 8000, 0);
    const handler = {
      handleReportBlock: () => {},
      handleRemb: () => {},
      handleTransportFeedback: (bytes: Uint8Array, at: number, end: number, now: number) => {
        assert.equal(estimator.handleFeedback(bytes, at, end, now), -1, "nothing was received");
      },
      handleNack: () => {},
      handleKeyframeRequest: () => void requests++,
    };
    const viewer = new ViewerFeedback(handler, (fault) => assert.fail(String(fault)));
    assert.ok(millisOf(() => viewer.onRtcp(COMPOUND, 0)) < MOST_MILLIS);
    assert.equal(requests, 1);
  });

  test("costs a publisher's session next to nothing, and his sender report is heard", () => {
    const reports: number[] = [];
    const publisher = new PublisherFeedback({
      localSsrc: 1,
      cname: "c",
      nack: true,
      twcc: true,
      onSenderReport: (ssrc) => reports.push(ssrc),
      onLost: () => {},
      onFault: (fault) => assert.fail(String(fault)),
    });
    assert.ok(millisOf(() => publisher.handleRtcp(COMPOUND, 0)) < MOST_MILLIS);
    assert.deepEqual(reports, [5]);
  });
});
