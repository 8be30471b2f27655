/** What the hub measures of streams without looking into more than it must. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FrameFormat, type Stream, statsOf } from "../../../core/stream/mod.ts";
import { MAX_WARNING_CHARACTERS, MAX_WARNINGS } from "../../../core/stream/publisher.ts";
import { play, World } from "./fixture.ts";

function streamOf(world: World): Stream {
  const stream = world.hub.stream("live/test");
  assert.ok(stream);
  return stream;
}

test("a group of pictures is measured between keyframes, by the sender's clock", () => {
  const world = new World();
  const source = world.publish();
  play(world, source, 5, 10);
  assert.equal(statsOf(streamOf(world), world.now).video?.gop, undefined, "none is whole yet");
  play(world, source, 31, 10);
  const { gop, bFrames } = statsOf(streamOf(world), world.now).video ?? {};
  assert.equal(gop?.frames, 10);
  assert.ok(Math.abs((gop?.millis ?? 0) - 333) < 1, `${gop?.millis} ms`);
  assert.equal(bFrames, false);
});

test("another publisher's groups are measured anew, with nobody watching", () => {
  const world = new World();
  play(world, world.publish(), 25, 10);
  world.pass(20_000);
  const source = world.publish("b");
  assert.equal(source.publisher.stream, streamOf(world), "the hub still has it");
  play(world, source, 5, 10);
  assert.equal(statsOf(streamOf(world), world.now).video?.gop, undefined);
});

test("timestamps that go back are B-frames; packets that overtake each other are not", () => {
  const world = new World();
  const source = world.publish();
  play(world, source, 3);
  const [first, second] = [source.packetsOfFrame(false), source.packetsOfFrame(false)];
  for (const [bytes, index] of [...second, ...first]) {
    source.publisher.put(source.video, bytes, index, world.now);
  }
  const reads = (): boolean | undefined => statsOf(streamOf(world), world.now).video?.bFrames;
  assert.equal(reads(), false);
  source.pushFrame(world.now, false, 3, 1000, 9000);
  source.pushFrame(world.now, false, 3, 1000, -6000);
  assert.equal(reads(), true);
  source.videoTime += 6000;
  play(world, source, 330);
  assert.equal(reads(), false, "10 s later");
});

test("what a publisher gives as frames is measured as they are, in place of what is made of them", () => {
  const world = new World();
  world.view();
  const source = world.publish();
  play(world, source, 1);
  const { frames } = streamOf(world);
  const format: FrameFormat = {
    ...{ kind: "video", codec: "h265", codecString: "hvc1.1.6.L93.B0", width: 640, height: 360 },
    ...{ configuration: new Uint8Array(0), sampleRate: 0, channels: 0 },
  };
  frames.putFormat(format);
  frames.putFormat({ ...format, kind: "audio", codec: "aac", sampleRate: 44_100, channels: 2 });
  for (let i = 0; i < 51; i++) {
    const times = { dts: i * 40, pts: i * 40 + (i % 2) * 80 };
    const data = new Uint8Array(1000);
    frames.putFrame({ kind: "video", ...times, keyframe: i % 25 === 0, data }, world.now);
    frames.putFrame({ kind: "audio", ...times, keyframe: true, data }, world.now);
    world.pass(40);
  }
  const stats = statsOf(streamOf(world), world.now);
  assert.equal(stats.frames, 51);
  const { video, audio } = stats.given;
  assert.deepEqual(video?.gop?.frames, 25);
  assert.equal(video?.bFrames, true);
  assert.ok(Math.abs((video?.framesPerSecond ?? 0) - 25) < 2, `${video?.framesPerSecond} /s`);
  assert.ok(Math.abs((audio?.bitsPerSecond ?? 0) - 200_000) < 16_000);
  assert.equal(audio?.bFrames, false);
  assert.ok(stats.receivedBytes >= 102_000);
  source.publisher.end();
  assert.deepEqual(statsOf(streamOf(world), world.now).given, {});
});

test("a publisher's warnings are told once each, and are bounded", () => {
  const { publisher } = new World().publish();
  assert.equal(publisher.warn("set bframes=0"), true);
  assert.equal(publisher.warn("set bframes=0"), false);
  publisher.warn("x".repeat(10_000));
  for (let i = 0; i < 100; i++) publisher.warn(`${i}`);
  assert.equal(publisher.warnings.length, MAX_WARNINGS);
  assert.equal(publisher.warnings[1]?.length, MAX_WARNING_CHARACTERS);
});
