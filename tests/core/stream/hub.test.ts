import assert from "node:assert/strict";
import { test } from "node:test";
import { Hub, isBadStreamName, parseStreamName, statsOf } from "../../../core/stream/mod.ts";
import {
  AUDIO_SSRC,
  assertContinuous,
  name,
  OPUS,
  partOf,
  play,
  Source,
  VIDEO_SSRC,
  videoOptions,
  World,
} from "./fixture.ts";
import { PlaintextEngine } from "./plaintext_engine.ts";

test("a publisher that reloads takes over; viewers go on in sequence and time", () => {
  const world = new World();
  const first = world.publish("tab");
  const viewer = world.view();
  play(world, first, 30);
  const again = world.publish("tab");
  assert.equal(world.of("publisher-replaced")[0]?.event.publisher, first.publisher);
  again.videoSsrc = 0xcccc;
  again.audioSsrc = 0xdddd;
  again.videoIndex = 3;
  again.videoTime = 77;
  again.audioTime = 1;
  const gap = 1500;
  world.pass(gap);
  first.pushFrame(world.now, true);
  play(world, again, 30);
  const video = viewer.of(VIDEO_SSRC);
  assert.equal(video.length, 180);
  assertContinuous(video);
  assertContinuous(viewer.of(AUDIO_SSRC));
  const jump = (video[90]!.header.timestamp - video[89]!.header.timestamp) >>> 0;
  // The last frame of the first came 33 ms before its last `pass` ended.
  assert.equal(jump, (gap + 33) * 90);
  assert.deepEqual(partOf(video[90]!.payload), { frame: 0, part: 0, parts: 3, key: true });
  const heard = viewer.of(AUDIO_SSRC);
  assert.equal((heard[30]!.header.timestamp - heard[29]!.header.timestamp) >>> 0, (gap + 33) * 48);
});

test("busy: media within 3 s, or a claim younger than 10 s by another client", () => {
  const world = new World();
  const publish = (client: string): string => {
    const got = world.hub.publish(name(), client, world.now);
    return typeof got === "string" ? got : "ok";
  };
  const first = world.publish("a");
  assert.equal(publish("b"), "busy");
  world.pass(9999);
  assert.equal(publish("b"), "busy");
  first.pushFrame(world.now, true);
  world.pass(2999);
  assert.equal(publish("b"), "busy");
  world.pass(1);
  assert.equal(publish("b"), "ok", "silent for 3 s and claimed 13 s ago");
  assert.equal(publish("b"), "ok", "the same client at once");
  world.pass(10_000);
  assert.equal(publish("a"), "ok", "claimed 10 s ago and never sent");
  assert.equal(first.publisher.ended, true);
});

test("busy: media holds a stream against its own client too, until that has lost its connections", () => {
  const world = new World();
  const first = world.publish("a");
  first.pushFrame(world.now, true);
  assert.equal(
    world.hub.publish(name(), "a", world.now),
    "busy",
    "a second tab takes nothing away",
  );
  first.publisher.connected = false;
  assert.equal(world.hub.publish(name(), "b", world.now), "busy", "another client waits");
  assert.equal(
    typeof world.hub.publish(name(), "a", world.now),
    "object",
    "a reloaded page does not",
  );
  assert.equal(first.publisher.ended, true);
  assert.equal(world.of("publisher-replaced").length, 1);
});

test("a publisher that ends frees the stream at once", () => {
  const world = new World();
  const source = world.publish("a");
  source.pushFrame(world.now, true);
  source.publisher.end();
  assert.equal(world.of("unpublished").length, 1);
  assert.equal(world.hub.size, 0, "nobody waits for it");
  assert.equal(typeof world.hub.publish(name(), "b", world.now), "object");
});

test("nothing of a publisher that was replaced is taken", () => {
  const world = new World();
  const old = world.publish("a");
  const viewer = world.view();
  play(world, old, 2);
  const fresh = world.publish("a");
  fresh.videoSsrc = 9;
  fresh.pushFrame(world.now, true);
  const before = viewer.seen.length;
  old.pushFrame(world.now, true);
  old.publisher.end();
  assert.equal(viewer.seen.length, before);
  assert.equal(world.hub.stream("live/test")?.publisher, fresh.publisher);
});

test("further tracks of a kind are ignored and counted", () => {
  const world = new World();
  const source = world.publish();
  const second = { ...source.video };
  assert.equal(source.publisher.addTrack(second), false);
  const [packet] = source.packetsOfFrame(true);
  source.publisher.pushBatch([{ track: second, bytes: packet![0], index: 1 }], world.now);
  assert.equal(source.publisher.ignoredPackets, 1);
  assert.equal(world.hub.stream("live/test")?.live, false);
});

test("a stream is there while somebody publishes or waits, and bounded", () => {
  const world = new World({ maxStreams: 2, maxWaitingViewers: 2, maxViewers: 3 });
  const options = { video: videoOptions() };
  const one = world.subscribe(options, "live/one");
  world.subscribe(options, "live/one");
  assert.equal(world.hub.subscribe(name("live/one"), options, world.now), "too-many-waiting");
  const source = world.publish("a", "live/one");
  world.subscribe(options, "live/one");
  assert.equal(world.hub.subscribe(name("live/one"), options, world.now), "too-many-viewers");
  world.publish("a", "live/two");
  assert.equal(world.hub.publish(name("live/three"), "a", world.now), "too-many-streams");
  assert.equal(world.hub.subscribe(name("live/three"), options, world.now), "too-many-streams");
  source.publisher.end();
  assert.equal(world.hub.size, 2);
  one.close();
  for (const viewer of world.hub.stream("live/one")!.viewers) viewer.close();
  assert.equal(world.hub.size, 1);
});

test("who waits for a stream sees it when it comes, and again after it went", () => {
  const world = new World();
  const viewer = world.view();
  world.pass(60_000);
  const source = world.publish();
  play(world, source, 3);
  assert.equal(viewer.of(VIDEO_SSRC).length, 9);
  source.publisher.end();
  world.pass(20_000);
  assert.equal(viewer.subscriber.state("video"), "waiting");
  const next = world.publish("somebody else");
  play(world, next, 3);
  assert.equal(viewer.of(VIDEO_SSRC).length, 18);
  assertContinuous(viewer.of(VIDEO_SSRC));
  const states = world.of("viewer-state").filter((one) => one.event.kind === "video");
  assert.deepEqual(
    states.map((one) => one.event.state),
    ["playing", "waiting", "playing"],
  );
});

test("garbage is counted and passed over", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  const video = world.hub.stream("live/test")!.video;
  for (let size = 0; size < 40; size++) {
    source.publisher.put(source.video, new Uint8Array(size).fill(0x80 + size), size, world.now);
  }
  source.publisher.flush(world.now);
  assert.equal(video.stats.ignored, 40);
  play(world, source, 2);
  assert.equal(viewer.of(VIDEO_SSRC).length, 6);
});

test("a source that jumps far ahead is taken for a new one", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 2);
  source.videoIndex += 1_000_000;
  source.pushFrame(world.now, true);
  assertContinuous(viewer.of(VIDEO_SSRC));
  assert.equal(viewer.of(VIDEO_SSRC).length, 9);
});

test("the figures of a stream are true", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 300, 100);
  const stats = statsOf(world.hub.stream("live/test")!, world.now);
  assert.equal(stats.clients, 2);
  assert.equal(stats.video?.packets, 900);
  assert.equal(stats.frames, 300);
  assert.equal(stats.video?.keyframes, 3);
  assert.equal(stats.audio?.format, OPUS);
  assert.equal(stats.sentBytes, viewer.bytes);
  assert.ok(Math.abs(stats.video!.framesPerSecond - 30.3) < 1.5, `${stats.video?.framesPerSecond}`);
  const kbps = (source.publisher.receivedBytes * 8) / 9900;
  assert.ok(Math.abs(stats.receivedKbps - kbps) < kbps / 10, `${stats.receivedKbps} ${kbps}`);
});

test("a hub without streams waits for nothing", () => {
  const hub = new Hub({ engine: new PlaintextEngine() });
  assert.equal(hub.nextTimeout(), Number.POSITIVE_INFINITY);
  const parsed = parseStreamName("a", "b");
  assert.ok(!isBadStreamName(parsed));
  const publisher = hub.publish(parsed, "x", 0);
  assert.ok(typeof publisher === "object");
  new Source(publisher).pushFrame(10, true);
  hub.handleTimeout(200);
  assert.equal(hub.nextTimeout(), Number.POSITIVE_INFINITY, "and one without viewers neither");
});
