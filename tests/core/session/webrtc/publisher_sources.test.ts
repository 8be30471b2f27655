import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NegotiatedMedia } from "../../../../core/session/webrtc/negotiation/mod.ts";
import {
  MAX_SOURCES,
  SILENT_SOURCE_MILLIS,
} from "../../../../core/session/webrtc/publish_receiver.ts";
import { encodeRtcp, type RtcpPacket } from "../../../../core/wire/rtcp/mod.ts";
import { AUDIO, Receiving, VIDEO } from "./publishing.ts";

const source = (ssrc: number, rtxSsrc?: number) => [{ ssrc, rtxSsrc, cname: undefined }];
const OFFERED: readonly NegotiatedMedia[] = [
  { ...AUDIO, remoteSources: source(10) },
  { ...VIDEO, remoteSources: source(20, 21) },
];

describe("SSRCs", () => {
  test("are bounded, and a flood locks out none of the offer's", () => {
    const all = new Receiving(OFFERED);
    for (let ssrc = 1000; ssrc < 1200; ssrc++) all.put({ payloadType: 96, ssrc });
    assert.equal(all.took().length, MAX_SOURCES - 3);
    assert.equal(
      all.faults.filter((code) => code === "too-many-sources").length,
      203 - MAX_SOURCES,
    );
    all.put({ payloadType: 111, ssrc: 10 });
    all.put({ payloadType: 96, ssrc: 20 });
    all.put({ payloadType: 97, ssrc: 21, payload: [0, 1, 7] });
    assert.deepEqual(all.took(), [
      [0, 10, 0],
      [1, 20, 0],
      [1, 20, 1],
    ]);
  });

  test("one that said BYE, or was silent for long, makes room for a new one", () => {
    const all = new Receiving(OFFERED);
    for (let ssrc = 1000; ssrc < 1000 + MAX_SOURCES - 3; ssrc++) all.put({ payloadType: 96, ssrc });
    all.put({ payloadType: 96, ssrc: 2000 }, 1);
    assert.deepEqual(all.faults, ["too-many-sources"]);
    const bye: RtcpPacket = { type: "bye", ssrcs: [1005, 10, 20], reason: "" };
    all.receiver.onRtcp(encodeRtcp([bye]), 2);
    all.took();
    all.put({ payloadType: 96, ssrc: 2000 }, 3);
    all.put({ payloadType: 96, ssrc: 2001 }, 4);
    assert.deepEqual(all.took(), [[1, 2000, 0]], "there was one place");
    all.put({ payloadType: 96, ssrc: 1003, index: 1 }, SILENT_SOURCE_MILLIS);
    for (let ssrc = 2002; ssrc < 2100; ssrc++) {
      all.put({ payloadType: 96, ssrc }, SILENT_SOURCE_MILLIS + 1);
    }
    const took = all.took();
    assert.equal(took.length, 1 + MAX_SOURCES - 3 - 2, "all but those heard of late");
    all.put({ payloadType: 96, ssrc: 1003, index: 2 }, SILENT_SOURCE_MILLIS + 2);
    all.put({ payloadType: 96, ssrc: 20 }, SILENT_SOURCE_MILLIS + 2);
    all.put({ payloadType: 111, ssrc: 10 }, SILENT_SOURCE_MILLIS + 2);
    assert.equal(all.took().length, 3, "those of the offer stay");
  });

  test("an offer that names more is bounded too", () => {
    const many = Array.from({ length: 100 }, (_, i) => source(i + 1)).flat();
    const all = new Receiving([{ ...VIDEO, remoteSources: many }]);
    all.put({ payloadType: 96, ssrc: MAX_SOURCES });
    all.put({ payloadType: 96, ssrc: MAX_SOURCES + 1 });
    assert.deepEqual(all.took(), [[1, MAX_SOURCES, 0]]);
  });
});
