import assert from "node:assert/strict";
import { test } from "node:test";
import { findExtension } from "../../../core/wire/rtp/mod.ts";
import {
  AUDIO_SSRC,
  assertContinuous,
  audioOptions,
  H264,
  LEVEL,
  name,
  partOf,
  play,
  rtp,
  VIDEO_SSRC,
  VP8,
  videoOptions,
  World,
} from "./fixture.ts";

test("a viewer's first video packet starts a keyframe; audio flows at once", () => {
  const world = new World();
  const source = world.publish();
  source.pushFrame(world.now, true);
  world.pass(33);
  const viewer = world.view();
  source.pushFrame(world.now);
  source.pushAudio(world.now);
  assert.equal(viewer.of(VIDEO_SSRC).length, 0);
  assert.equal(viewer.of(AUDIO_SSRC).length, 1);
  world.pass(33);
  source.pushFrame(world.now, true);
  const first = viewer.of(VIDEO_SSRC)[0]!;
  assert.deepEqual(partOf(first.payload), { frame: 2, part: 0, parts: 3, key: true });
  assert.equal(first.header.payloadType, 96);
  assert.equal(first.header.sequenceNumber, 1000);
  assert.equal(viewer.of(AUDIO_SSRC)[0]!.header.payloadType, 111);
});

test("joining asks the publisher for a keyframe at once", () => {
  const world = new World();
  const source = world.publish();
  source.pushFrame(world.now, true);
  world.pass(700);
  world.view();
  const asked = world.of("keyframe-request");
  assert.equal(asked.length, 1);
  assert.equal(asked[0]!.event.ssrc, source.videoSsrc);
  assert.equal(asked[0]!.at, world.now);
});

test("keyframe requests to one publisher are 500 ms apart, and repeated while somebody waits", () => {
  const world = new World();
  const source = world.publish();
  source.pushFrame(world.now, true);
  for (let i = 0; i < 100; i++) {
    const viewer = world.view();
    viewer.subscriber.handleKeyframeRequest(world.now);
    source.pushFrame(world.now);
    world.pass(40);
  }
  const asked = world.of("keyframe-request").map((one) => one.at);
  for (let i = 1; i < asked.length; i++) assert.ok(asked[i]! - asked[i - 1]! >= 500);
  assert.ok(asked.length >= 8, `${asked.length}`);
  world.events.length = 0;
  world.pass(5000);
  const repeated = world.of("keyframe-request").length;
  assert.ok(repeated >= 4 && repeated <= 6, `${repeated} in 5 s of nothing but waiting`);
  source.pushFrame(world.now, true);
  world.events.length = 0;
  world.pass(5000);
  assert.equal(world.of("keyframe-request").length, 0, "nobody waits any more");
});

test("a new source that does not begin with a keyframe is asked for one, and not shown before", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 10);
  world.pass(1000);
  world.events.length = 0;
  source.videoSsrc = 0xeeee;
  source.videoIndex = 9;
  source.pushFrame(world.now);
  assert.equal(world.of("keyframe-request")[0]?.event.ssrc, 0xeeee);
  assert.equal(viewer.of(VIDEO_SSRC).length, 30);
  world.pass(33);
  source.pushFrame(world.now, true);
  assert.equal(viewer.of(VIDEO_SSRC).length, 33);
  assertContinuous(viewer.of(VIDEO_SSRC));
});

test("packets of a replaced SSRC do not switch back", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 3);
  const late = source.packetsOfFrame(true);
  source.videoSsrc = 0xeeee;
  source.pushFrame(world.now, true);
  for (const [bytes, index] of late) source.publisher.put(source.video, bytes, index, world.now);
  source.publisher.flush(world.now);
  source.pushFrame(world.now);
  assert.deepEqual(
    viewer.of(VIDEO_SSRC).map((one) => partOf(one.payload).frame),
    [0, 0, 0, 1, 1, 1, 2, 2, 2, 4, 4, 4, 5, 5, 5],
  );
});

test("a change of codec goes on under the viewer's other payload type, at a keyframe", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 5);
  source.videoPayloadType = 101;
  source.pushFrame(world.now);
  source.pushFrame(world.now, true);
  const video = viewer.of(VIDEO_SSRC);
  assert.deepEqual(
    video.slice(14).map((one) => [one.header.payloadType, partOf(one.payload).frame]),
    [
      [96, 4],
      [102, 6],
      [102, 6],
      [102, 6],
    ],
  );
  assertContinuous(video);
  const formats = world.of("format").map((one) => one.event.format.codec);
  assert.deepEqual(formats, ["vp8", "opus", "h264"]);
});

test("a change of codec inside one batch does not mix payload types", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 2);
  const batch = [...source.packetsOfFrame(false)];
  source.videoPayloadType = 101;
  batch.push(...source.packetsOfFrame(true));
  source.publisher.pushBatch(
    batch.map(([bytes, index]) => ({ track: source.video, bytes, index })),
    world.now,
  );
  assert.deepEqual(
    viewer
      .of(VIDEO_SSRC)
      .slice(6)
      .map((one) => one.header.payloadType),
    [96, 96, 96, 102, 102, 102],
  );
});

test("a viewer who takes no such format is told, still hears, and sees when it changes", () => {
  const world = new World();
  const source = world.publish();
  const only = videoOptions({ formats: [{ format: H264, payloadType: 102 }] });
  const viewer = world.view({ audio: audioOptions(), video: only });
  play(world, source, 5);
  assert.equal(viewer.of(VIDEO_SSRC).length, 0);
  assert.equal(viewer.of(AUDIO_SSRC).length, 5);
  const told = world.of("viewer-state").find((one) => one.event.state === "unsupported");
  assert.equal(told?.event.kind, "video");
  assert.equal(told?.event.live, VP8);
  assert.equal(viewer.subscriber.state("video"), "unsupported");
  source.videoPayloadType = 101;
  source.pushFrame(world.now, true);
  assert.equal(viewer.of(VIDEO_SSRC).length, 3);
});

test("reordered packets are passed on as they come, duplicates are not", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 2);
  const [one, two, three] = source.packetsOfFrame(false);
  const [four] = source.packetsOfFrame(false, 1);
  const sent = [one!, three!, four!, two!, three!, two!, one!];
  for (const [bytes, index] of sent) {
    source.publisher.pushBatch([{ track: source.video, bytes: bytes.slice(), index }], world.now);
  }
  const got = viewer.of(VIDEO_SSRC).slice(6);
  const base = got[0]!.header.sequenceNumber;
  assert.deepEqual(
    got.map((seen) => seen.header.sequenceNumber - base),
    [0, 2, 3, 1],
  );
  assert.equal(world.hub.stream("live/test")?.video.stats.duplicates, 3);
  assert.equal(world.hub.stream("live/test")?.video.stats.reordered, 1);
});

test("a waiting viewer starts with a keyframe whose first packet came late", () => {
  const world = new World();
  const source = world.publish();
  source.pushFrame(world.now, true);
  world.pass(33);
  const viewer = world.view();
  const [one, two, three] = source.packetsOfFrame(true);
  for (const [bytes, index] of [two!, one!, three!]) {
    source.publisher.pushBatch([{ track: source.video, bytes, index }], world.now);
  }
  const got = viewer.of(VIDEO_SSRC);
  assert.deepEqual(
    got.map((seen) => [seen.header.sequenceNumber, partOf(seen.payload).part]),
    [
      [1000, 0],
      [1002, 2],
    ],
  );
  viewer.subscriber.handleNack(VIDEO_SSRC, [1001], world.now);
  assert.equal(viewer.seen.at(-1)?.header.payloadType, 97, "the second is there for a NACK");
});

test("header extensions of the publisher come under the viewer's IDs, hop-by-hop ones not", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  const bare = world.view({ audio: audioOptions({ extensions: new Map() }) });
  source.pushAudio(world.now);
  const packet = viewer.seen[0]!;
  const at = packet.header.extensionAt;
  assert.deepEqual([...packet.bytes.subarray(at, at + 2)], [0x40, 0x1f], `${LEVEL} is 4`);
  assert.equal(packet.transport, 65_500);
  assert.equal(bare.seen[0]!.header.extensionAt, 0);
  // The next publisher has other IDs: what was the audio level is nothing now.
  source.publisher.end();
  const publisher = world.hub.publish(name(), "b", world.now);
  assert.ok(typeof publisher === "object");
  const other = { ...source.audio, extensions: new Map([[LEVEL, 2]]) };
  publisher.addTrack(other);
  const bytes = rtp(109, 1, 1, 1, new Uint8Array(20), false, 0x1f);
  publisher.pushBatch([{ track: other, bytes, index: 1 }], world.now);
  const last = viewer.seen.at(-1)!;
  assert.equal(viewer.seen.length, 2);
  assert.equal(findExtension(last.bytes, last.header, 4), 0);
});

test("viewers of one shape share one plaintext and one seal per batch", () => {
  const world = new World();
  const source = world.publish();
  for (let i = 0; i < 20; i++) world.view();
  for (let i = 0; i < 5; i++) world.view({ video: videoOptions() });
  source.pushFrame(world.now, true);
  source.pushAudio(world.now);
  world.engine.puts = 0;
  world.engine.seals = 0;
  source.pushFrame(world.now);
  assert.equal(world.engine.puts, 6, "three packets for each of two shapes");
  assert.equal(world.engine.seals, 2);
});

test("a suspended viewer is sent nothing, and resumes at a keyframe without a gap", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 3);
  viewer.subscriber.suspend();
  const before = viewer.seen.length;
  play(world, source, 30, 10);
  assert.equal(viewer.seen.length, before);
  world.pass(1000);
  world.events.length = 0;
  viewer.subscriber.resume(world.now);
  assert.equal(world.of("keyframe-request").length, 1);
  source.pushFrame(world.now);
  source.pushFrame(world.now, true);
  const video = viewer.of(VIDEO_SSRC);
  assert.equal(partOf(video[9]!.payload).key, true);
  assertContinuous(video);
  assertContinuous(viewer.of(AUDIO_SSRC));
});

test("a viewer may leave inside his own delivery, and with him the stream", () => {
  const world = new World();
  const source = world.publish();
  const leaving = world.view();
  const staying = world.view();
  leaving.onDeliver = () => leaving.subscriber.close();
  play(world, source, 2);
  assert.equal(leaving.deliveries, 1);
  assert.equal(staying.of(VIDEO_SSRC).length, 6);
});

test("a late first packet of a frame that is dropped is dropped too, and leaves no gap", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 3);
  viewer.queuedBytes = 300 * 1024;
  const [one, two, three] = source.packetsOfFrame(false);
  for (const [bytes, index] of [two!, three!, one!]) {
    source.publisher.pushBatch([{ track: source.video, bytes, index }], world.now);
  }
  assert.equal(viewer.of(VIDEO_SSRC).length, 9);
  viewer.queuedBytes = 0;
  source.pushFrame(world.now, true);
  assert.equal(viewer.of(VIDEO_SSRC).length, 12);
  assertContinuous(viewer.of(VIDEO_SSRC));
});

test("a late last packet of a frame that was sent is sent, though the next is dropped", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 3);
  const [one, two, three] = source.packetsOfFrame(false);
  const [early, next] = source.packetsOfFrame(false, 2);
  const put = ([bytes, index]: [Uint8Array, number]): void =>
    source.publisher.pushBatch([{ track: source.video, bytes, index }], world.now);
  put(one!);
  put(two!);
  viewer.queuedBytes = 300 * 1024;
  put(next!);
  put(three!);
  put(early!);
  const frames = viewer.of(VIDEO_SSRC).map((seen) => partOf(seen.payload).frame);
  assert.deepEqual(frames.slice(9), [3, 3, 3]);
});

test("a new source whose first packets come in disorder is shown from its first keyframe on", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 3);
  source.videoSsrc = 0xeeee;
  source.videoIndex = 20;
  const [one, two, three] = source.packetsOfFrame(true);
  const [before] = source.packetsOfFrame(false);
  const put = ([bytes, index]: [Uint8Array, number]): void =>
    source.publisher.pushBatch([{ track: source.video, bytes, index }], world.now);
  for (const packet of [two!, one!, three!, before!]) put(packet);
  put([two![0], 19 - 64]);
  const got = viewer.of(VIDEO_SSRC).slice(9);
  const base = viewer.of(VIDEO_SSRC)[8]!.header.sequenceNumber;
  assert.deepEqual(
    got.map((seen) => [seen.header.sequenceNumber - base, partOf(seen.payload).part]),
    [
      [1, 0],
      [3, 2],
      [4, 0],
    ],
  );
  assert.equal(world.hub.stream("live/test")?.video.stats.ignored, 1);
});
