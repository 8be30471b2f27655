import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../../../core/base/mod.ts";
import { concat } from "../../../../core/bytes/mod.ts";
import { KEPT_MAX_BYTES, TRACK_WAIT_MILLIS } from "../../../../core/egress/cast/mod.ts";
import { TAG_COST_BYTES } from "../../../../core/egress/flv/cast.ts";
import {
  chunkedTags,
  encodeTags,
  rtmpMessages,
  webSocketTags,
} from "../../../../core/egress/flv/mod.ts";
import { decodeAmf0 } from "../../../../core/wire/amf0/mod.ts";
import { decodeFlvAudio, decodeFlvVideo } from "../../../../core/wire/flv/mod.ts";
import { ChunkReader } from "../../../../core/wire/rtmp/mod.ts";
import { all, format, LAG, made, picture, shown, sound, tagsOf } from "./stage.ts";

test("a file begins with its header, onMetaData and the configurations, then a keyframe at 0", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac", [0x11, 0x90]));
  cast.handleFrame(picture(5000, true, 20, 40));
  cast.handleFrame(sound(5010));
  cast.flush(0);
  const bytes = all(cast, cast.join(encodeTags), 0);
  assert.deepEqual([...bytes.subarray(0, 13)], [0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]);
  const tags = tagsOf(bytes);
  assert.deepEqual(
    tags.map(({ type }) => type),
    [18, 9, 8, 9, 8],
  );
  assert.deepEqual(
    tags.map(({ timestamp }) => timestamp),
    [0, 0, 0, 0, 10],
  );
  const [metadata, record, specific, key, audio] = tags.map(({ body }) => body);
  const values = decodeAmf0(metadata!);
  assert.ok(!isFault(values) && values[0] === "onMetaData");
  assert.equal((values[1] as Map<string, unknown>).get("width"), 640);
  assert.deepEqual([...record!], [0x17, 0, 0, 0, 0, 1, 2, 3]);
  assert.deepEqual([...specific!], [0xaf, 0, 0x11, 0x90]);
  assert.deepEqual([...key!.subarray(0, 6)], [0x17, 1, 0, 0, 40, 7]);
  assert.deepEqual([...audio!], [0xaf, 1, 9, 9]);
});

test("H.265, AV1, VP9 and Opus go by FourCC; composition times may be negative", () => {
  for (const [codec, late] of [
    ["h265", 0],
    ["h265", -40],
    ["av1", 0],
    ["vp9", 0],
  ] as const) {
    const cast = made({ opus: true });
    cast.handleFormat(format(codec));
    cast.handleFormat(format("opus"));
    cast.handleFrame(picture(0, true, 20, late));
    cast.handleFrame(sound(0));
    cast.flush(0);
    const [, record, head, frame, opus] = tagsOf(all(cast, cast.join(encodeTags), 0));
    const configuration = decodeFlvVideo(record!.body);
    assert.ok(!isFault(configuration));
    assert.deepEqual([configuration.codec, configuration.holds], [codec, "config"]);
    const coded = decodeFlvVideo(frame!.body);
    assert.ok(!isFault(coded));
    assert.deepEqual(
      [coded.codec, coded.holds, coded.keyframe, coded.compositionTime, coded.data.length],
      [codec, "frames", true, late, 20],
    );
    for (const [tag, holds] of [
      [head, "config"],
      [opus, "frames"],
    ] as const) {
      const decoded = decodeFlvAudio(tag!.body);
      assert.ok(!isFault(decoded));
      assert.deepEqual([decoded.codec, decoded.holds], ["opus", holds]);
    }
  }
});

test("Opus is left out for who did not ask for it, and is not waited for", () => {
  const cast = made();
  cast.handleFormat(format("opus"));
  cast.handleFormat(format("h264"));
  cast.handleFrame(sound(0));
  cast.handleFrame(picture(0, true));
  cast.flush(0);
  const bytes = all(cast, cast.join(encodeTags), 0);
  assert.equal(bytes[4], 1, "video alone");
  assert.deepEqual(
    tagsOf(bytes).map(({ type }) => type),
    [18, 9, 9],
  );
});

test("who joins gets what came since the last keyframe, and then the same bytes as all", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  for (const dts of [0, 40, 80]) cast.handleFrame(picture(dts, dts === 0));
  cast.handleFrame(picture(120, true));
  cast.handleFrame(picture(160));
  cast.flush(0);
  const late = cast.join(encodeTags);
  const tags = tagsOf(all(cast, late, 0));
  assert.deepEqual(tags.map(shown).slice(-2), ["9@120:105", "9@160:105"]);
  const headers = tags.slice(0, 2).map(({ type, timestamp }) => `${type}@${timestamp}`);
  // FFmpeg takes an onMetaData of a later time for a track of text.
  assert.deepEqual(headers, ["18@0", "9@120"], "times do not go back from the headers");
  const early = cast.join(encodeTags);
  all(cast, early, 0);
  cast.handleFrame(picture(200));
  cast.flush(100);
  assert.equal(cast.poll(late, 100), cast.poll(early, 100), "made once");
});

test("without a GOP cache who joins waits for the next keyframe", () => {
  const cast = made({ gopCache: false });
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  cast.handleFrame(picture(0, true));
  cast.flush(0);
  const viewer = cast.join(encodeTags);
  cast.handleFrame(picture(40));
  cast.flush(40);
  assert.equal(cast.poll(viewer, 40), undefined);
  cast.handleFrame(picture(80, true));
  cast.flush(80);
  const tags = tagsOf(all(cast, viewer, 80));
  assert.equal(tags.map(shown).at(-1), "9@80:105");
});

test("what is flushed together is one write, though a keyframe begins in it", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  cast.handleFrame(picture(0, true));
  cast.flush(0);
  const [viewer, behind] = [cast.join(encodeTags), cast.join(encodeTags)];
  all(cast, viewer, 0);
  cast.handleFrame(picture(40));
  cast.handleFrame(picture(80, true));
  cast.handleFrame(picture(120));
  cast.flush(100);
  const bytes = cast.poll(viewer, 100);
  assert.deepEqual(tagsOf(bytes ?? concat([])).map(shown), ["9@40:105", "9@80:105", "9@120:105"]);
  assert.equal(cast.poll(viewer, 100), undefined);
  cast.trim([viewer, behind], 100);
  const late = tagsOf(all(cast, behind, 100)).filter(({ type }) => type === 9);
  assert.deepEqual(late.slice(1).map(shown), ["9@80:105", "9@120:105"]);
});

test("more than a batch holds is not joined to a greater one", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  cast.handleFrame(picture(0, true));
  cast.flush(0);
  const viewer = cast.join(encodeTags);
  all(cast, viewer, TRACK_WAIT_MILLIS);
  for (let dts = 40; dts <= 160; dts += 40) cast.handleFrame(picture(dts, false, 200 * 1024));
  cast.flush(TRACK_WAIT_MILLIS);
  let writes = 0;
  for (let one = cast.poll(viewer, 2000); one; one = cast.poll(viewer, 2000)) {
    writes++;
    assert.ok(one.length < 410 * 1024, `${one.length} bytes at once`);
  }
  assert.equal(writes, 2);
});

test("a track that does not come is waited for 2 s, and comes later with new headers", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFrame(picture(0, true));
  cast.flush(0);
  const viewer = cast.join(encodeTags);
  cast.flush(TRACK_WAIT_MILLIS - 1);
  assert.equal(cast.poll(viewer, TRACK_WAIT_MILLIS - 1), undefined);
  cast.flush(TRACK_WAIT_MILLIS);
  assert.equal(all(cast, viewer, TRACK_WAIT_MILLIS)[4], 1);
  cast.handleFormat(format("aac"));
  cast.handleFrame(sound(2500));
  cast.flush(2500);
  const tags = tagsOf(all(cast, viewer, 2500));
  assert.deepEqual(
    tags.map(({ type }) => type),
    [18, 8, 8],
  );
});

test("sound without pictures can be joined anywhere", () => {
  const cast = made();
  cast.handleFormat(format("aac"));
  const viewer = cast.join(encodeTags);
  for (let now = 0; now <= 3000; now += 100) {
    cast.handleFrame(sound(now));
    cast.flush(now);
    cast.trim([viewer], now);
  }
  assert.deepEqual(
    tagsOf(all(cast, viewer, 3000))
      .map(shown)
      .slice(-1),
    ["8@3000:4"],
  );
  assert.ok(cast.keptBytes < 100 + 4 * TAG_COST_BYTES);
});

test("a viewer who is behind for longer goes on with the last keyframe, whole groups dropped", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  const slow = cast.join(encodeTags);
  const run = (from: number, to: number): void => {
    for (let now = from; now < to; now += 40) {
      cast.handleFrame(picture(now, now % 1000 === 0));
      cast.flush(now);
      cast.trim([slow], now);
    }
  };
  run(0, 1000);
  all(cast, slow, 1000);
  run(1000, 1000 + LAG + 2000);
  const tags = tagsOf(all(cast, slow, 1000 + LAG + 2000));
  assert.equal(shown(tags[0]!), "9@6000:105", "a keyframe, and no headers again");
  assert.equal(slow.droppedFrames, 5 * 25);
  run(8000, 8040);
  assert.ok(cast.keptBytes < 30 * (105 + TAG_COST_BYTES), "what he missed is forgotten");
});

test("a resolution change is told in its place, and who joins meanwhile waits for its keyframe", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  cast.handleFrame(picture(0, true));
  cast.flush(0);
  const there = cast.join(encodeTags);
  all(cast, there, 0);
  cast.handleFormat(format("h264", [9]));
  cast.flush(10);
  const joins = cast.join(encodeTags);
  assert.equal(cast.poll(joins, 10), undefined);
  cast.handleFrame(picture(40, true));
  cast.flush(40);
  assert.deepEqual(
    tagsOf(all(cast, there, 40)).map(({ type }) => type),
    [18, 9, 9],
  );
  const [, record] = tagsOf(all(cast, joins, 40));
  assert.deepEqual([...record!.body.subarray(5)], [9]);
});

test("no more is kept than the bound, and who was in it waits for a keyframe", () => {
  const cast = made({ lagMillis: 30_000 });
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  const slow = cast.join(encodeTags);
  cast.handleFrame(picture(0, true));
  cast.flush(0);
  all(cast, slow, 0);
  for (let i = 1; i < 40; i++) {
    cast.handleFrame(picture(i, false, 1024 * 1024));
    cast.flush(i);
    cast.trim([slow], i);
  }
  assert.ok(cast.keptBytes <= KEPT_MAX_BYTES);
  assert.equal(cast.poll(slow, 40), undefined);
  cast.handleFrame(picture(50, true));
  cast.flush(50);
  assert.equal(tagsOf(all(cast, slow, 50))[0]!.timestamp, 50);
});

test("the same tags as a chunk, a WebSocket message and RTMP messages", () => {
  const tags = [{ type: 9 as const, timestamp: 0x1234_5678, body: new Uint8Array(300).fill(5) }];
  const plain = encodeTags(tags);
  const none = new Uint8Array(0);
  assert.equal(tagsOf(plain)[0]!.timestamp, 0x1234_5678);
  assert.equal(Buffer.from(chunkedTags(tags, none)).subarray(0, 5).toString("latin1"), "13b\r\n");
  assert.deepEqual([...webSocketTags(tags, none).subarray(0, 4)], [0x82, 126, 1, 0x3b]);
  const reader = new ChunkReader();
  reader.push(rtmpMessages(1, 128)(tags, none));
  const message = reader.poll();
  assert.ok(message !== undefined && !isFault(message));
  const { type, stream, timestamp, payload } = message;
  assert.deepEqual([type, stream, timestamp, payload.length], [9, 1, 0x1234_5678, 300]);
});
