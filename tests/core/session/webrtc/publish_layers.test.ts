import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_SOURCES } from "../../../../core/session/webrtc/publish_receiver.ts";
import { AUDIO, REPAIRED_RID_ID, Receiving, RID_ID, rtp, VIDEO } from "./publishing.ts";

const LAYERS = {
  ...VIDEO,
  rids: ["q", "h", "f"],
  ridExtensionId: RID_ID,
  repairedRidExtensionId: REPAIRED_RID_ID,
};
const VIDEO_PT = 96;
const RTX_PT = 97;

/** Layers and SSRCs of what was taken since the last call. */
function took(all: Receiving): (readonly [number, number])[] {
  return all.taken.splice(0).map(({ layer, ssrc }) => [layer, ssrc] as const);
}

test("the RID of its first packet says a new SSRC's layer, which stays when RIDs are left out", () => {
  const all = new Receiving([AUDIO, LAYERS]);
  all.put({ payloadType: VIDEO_PT, ssrc: 33, mid: "1", rid: "f" });
  all.put({ payloadType: VIDEO_PT, ssrc: 31, mid: "1", rid: "q" });
  all.put({ payloadType: VIDEO_PT, ssrc: 32, rid: "h" });
  all.put({ payloadType: VIDEO_PT, ssrc: 33, index: 1 });
  all.put({ payloadType: VIDEO_PT, ssrc: 31, index: 1, rid: "f" });
  assert.deepEqual(took(all), [
    [2, 33],
    [0, 31],
    [1, 32],
    [2, 33],
    [0, 31],
  ]);
  assert.deepEqual(all.faults, []);
});

test("without RID, or with one that was not agreed on, a new SSRC is not believed", () => {
  const all = new Receiving([AUDIO, LAYERS]);
  all.put({ payloadType: VIDEO_PT, ssrc: 31, mid: "1" });
  all.put({ payloadType: VIDEO_PT, ssrc: 31, mid: "1", rid: "x" });
  all.put({ payloadType: VIDEO_PT, ssrc: 31, mid: "1", rid: "qq" });
  assert.deepEqual(took(all), []);
  assert.deepEqual(all.faults, ["unknown-layer", "unknown-layer", "unknown-layer"]);
  all.put({ payloadType: VIDEO_PT, ssrc: 31, mid: "1", rid: "q" });
  assert.deepEqual(took(all), [[0, 31]]);
});

test("a RID counts on the line of its MID alone", () => {
  const other = { ...LAYERS, index: 2, mid: "2", rids: ["a", "b"] };
  const all = new Receiving([LAYERS, other]);
  all.put({ payloadType: VIDEO_PT, ssrc: 31, mid: "2", rid: "q" });
  all.put({ payloadType: VIDEO_PT, ssrc: 32, mid: "1", rid: "b" });
  all.put({ payloadType: VIDEO_PT, ssrc: 33, mid: "2", rid: "b" });
  assert.deepEqual(
    all.taken.map(({ line, layer }) => [line.index, layer]),
    [[2, 1]],
  );
  assert.deepEqual(all.faults, ["unknown-layer", "unknown-layer"]);
});

test("a retransmission finds its layer by the repaired RID (RFC 8852 §3)", () => {
  const all = new Receiving([LAYERS]);
  for (const [i, rid] of ["q", "h", "f"].entries()) {
    all.put({ payloadType: VIDEO_PT, ssrc: 31 + i, index: 5, rid });
    all.put({ payloadType: VIDEO_PT, ssrc: 31 + i, index: 7 });
  }
  took(all);
  all.put({ payloadType: RTX_PT, ssrc: 51, repairedRid: "f", payload: [0, 6, 9] });
  all.put({ payloadType: RTX_PT, ssrc: 52, repairedRid: "q", payload: [0, 6, 9] });
  all.put({ payloadType: RTX_PT, ssrc: 51, index: 1, payload: [0, 4, 9] });
  assert.deepEqual(took(all), [
    [2, 33],
    [0, 31],
    [2, 33],
  ]);
  // A RID names media, and no retransmission.
  all.put({ payloadType: RTX_PT, ssrc: 53, rid: "h", payload: [0, 6, 9] });
  assert.deepEqual(took(all), []);
  assert.deepEqual(all.faults, ["unknown-layer"]);
});

test("without a repaired RID the offer's ssrc-group:FID tells, as Firefox's does", () => {
  const remoteSources = [{ ssrc: 31, rtxSsrc: 51, cname: undefined }];
  const all = new Receiving([{ ...LAYERS, remoteSources }]);
  all.put({ payloadType: RTX_PT, ssrc: 51, payload: [0, 6, 9] });
  all.put({ payloadType: VIDEO_PT, ssrc: 31, index: 5, rid: "h" });
  all.put({ payloadType: RTX_PT, ssrc: 51, index: 1, payload: [0, 6, 9] });
  assert.deepEqual(took(all), [
    [1, 31],
    [1, 31],
  ]);
});

test("layers that the offer lists by SSRC need no RID", () => {
  const remoteSources = ["0", "1"].map((rid, i) => ({
    ssrc: 31 + i,
    rtxSsrc: 51 + i,
    cname: "c",
    rid,
  }));
  const all = new Receiving([{ ...VIDEO, rids: ["0", "1"], remoteSources }]);
  all.put({ payloadType: VIDEO_PT, ssrc: 32, index: 5 });
  all.put({ payloadType: VIDEO_PT, ssrc: 31, index: 5 });
  all.put({ payloadType: RTX_PT, ssrc: 52, payload: [0, 4, 9] });
  assert.deepEqual(took(all), [
    [1, 32],
    [0, 31],
    [1, 32],
  ]);
});

test("each layer is asked for its own lost packets and keyframes", () => {
  const all = new Receiving([LAYERS]);
  for (const [i, rid] of ["q", "h"].entries()) {
    all.put({ payloadType: VIDEO_PT, ssrc: 31 + i, index: 5, rid });
    all.put({ payloadType: VIDEO_PT, ssrc: 31 + i, index: 7 + i });
  }
  all.receiver.requestKeyframe(32);
  const sent = [...all.poll(50), ...all.poll(1500)];
  const asked = sent.filter((one) => one.type === "nack").slice(0, 2);
  assert.deepEqual(
    asked.map(({ mediaSsrc, lost }) => [mediaSsrc, lost]),
    [
      [31, [6]],
      [32, [6, 7]],
    ],
  );
  assert.deepEqual(
    sent.flatMap((one) => (one.type === "pli" ? one.mediaSsrc : [])),
    [32],
  );
  const reported = sent.flatMap((one) =>
    one.type === "rr" ? one.blocks.map(({ ssrc }) => ssrc) : [],
  );
  assert.deepEqual(reported, [31, 32]);
});

test("SSRCs that change all the time under one RID are bounded", () => {
  const all = new Receiving([LAYERS]);
  for (let ssrc = 1000; ssrc < 2000; ssrc++) all.put({ payloadType: VIDEO_PT, ssrc, rid: "q" });
  assert.equal(all.taken.length, MAX_SOURCES);
  assert.ok(all.taken.every(({ layer }) => layer === 0));
});

test("no bit of a first packet, flipped, brings it to another layer than its RID says", () => {
  const options = { payloadType: VIDEO_PT, ssrc: 31, mid: "1", rid: "h" };
  const { length } = rtp(options);
  for (let bit = 0; bit < length * 8; bit++) {
    const all = new Receiving([LAYERS]);
    const bytes = rtp(options);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    const text = Buffer.from(bytes).toString("latin1");
    all.receiver.onRtp(bytes, 0, 0);
    for (const { layer } of all.taken) {
      assert.ok(layer === 1 || text.includes(["q", "h", "f"][layer] ?? ""), `bit ${bit}`);
    }
  }
});
