import assert from "node:assert/strict";
import { test } from "node:test";
import { AUDIO_SSRC, partOf, VIDEO_SSRC, World } from "./fixture.ts";
import { assertContiguous, assertWholeFrames } from "./frames.ts";
import { KEY_FACTOR, Path, run, viewIn } from "./slow_path.ts";

test("a viewer who stalls at 8 Mbit/s costs a bounded amount, and the others nothing", () => {
  const where = new World();
  const source = where.publish();
  const stalled = viewIn(where);
  const other = viewIn(where);
  const path = new Path(stalled, 4000);
  const good = new Path(other, 4000);
  run(where, source, [path, good], 2, 8_000_000);
  assert.equal(stalled.subscriber.video?.stats.droppedPackets, 0);
  path.rate = 0;
  const before = stalled.bytes;
  let most = 0;
  run(where, source, [path, good], 14, 8_000_000, () => {
    most = Math.max(most, stalled.queuedBytes);
  });
  const sent = stalled.bytes - before;
  assert.ok(sent < 1_100_000, `${sent} bytes went after the stall, 14 MB were published`);
  assert.equal(most, 0, "nothing was queued in our own process");
  const history = where.hub.stream("live/test")!.video.history;
  assert.ok(history.bytes <= 2 * 1024 * 1024 + 1300);
  assert.equal(stalled.subscriber.state("video"), "behind");
  assertWholeFrames(stalled);
  const dropped = stalled.subscriber.video!.stats;
  assert.ok(dropped.droppedFrames > 300 && dropped.droppedBytes > 10_000_000);
  assert.equal(other.subscriber.video?.stats.droppedPackets, 0);
  assert.equal(other.of(VIDEO_SSRC).length, where.hub.stream("live/test")!.video.stats.packets);
  assert.ok(good.worst() < 120);
  const totals = where.hub.totals();
  assert.equal(totals.droppedFrames, dropped.droppedFrames);
  assert.equal(totals.sentBytes, stalled.bytes + other.bytes);
  assert.equal(totals.falls, 1);
  // The peer wakes up.
  path.rate = 4000;
  const woke = where.now;
  const count = stalled.of(VIDEO_SSRC).length;
  run(where, source, [path, good], 2, 8_000_000);
  const resumed = stalled.of(VIDEO_SSRC)[count]!;
  assert.ok(partOf(resumed.payload).key);
  assert.ok(resumed.at - woke < 1000, `${resumed.at - woke} ms after he woke up`);
  assert.equal(stalled.subscriber.state("video"), "playing");
  assertWholeFrames(stalled);
  assertContiguous(stalled, VIDEO_SSRC);
  assertContiguous(stalled, AUDIO_SSRC);
  assert.equal(where.engine.refused, 0);
  const atLast = where.hub.totals();
  stalled.subscriber.close();
  assert.deepEqual(where.hub.totals(), atLast, "who leaves is not forgotten");
});

test("audio goes on longer than video for who is behind, but not for ever", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  const path = new Path(viewer, 4000);
  run(where, source, [path], 1, 2_000_000);
  path.rate = 0;
  const at = where.now;
  run(where, source, [path], 6, 2_000_000);
  const lastVideo = viewer.of(VIDEO_SSRC).at(-1)!.at - at;
  const lastAudio = viewer.of(AUDIO_SSRC).at(-1)!.at - at;
  assert.ok(lastVideo > 300 && lastVideo < 900, `video for ${lastVideo} ms`);
  assert.ok(lastAudio > 1800 && lastAudio < 2500, `audio for ${lastAudio} ms`);
});

test("a viewer without progress for 15 s is reported once", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  const path = new Path(viewer, 4000);
  run(where, source, [path], 1, 1_000_000);
  path.rate = 0;
  run(where, source, [path], 15, 1_000_000);
  assert.equal(where.of("viewer-stalled").length, 0);
  run(where, source, [path], 3, 1_000_000);
  const stalled = where.of("viewer-stalled");
  assert.equal(stalled.length, 1);
  assert.equal(stalled[0]!.event.subscriber, viewer.subscriber);
});

test("a slow viewer who still makes progress is not reported", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  const path = new Path(viewer, 60);
  run(where, source, [path], 40, 1_000_000);
  assert.ok(viewer.subscriber.gate.falls > 3);
  assert.equal(where.of("viewer-stalled").length, 0);
});

test("a viewer who takes 20 s to catch up is not reported while something arrives", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  const path = new Path(viewer, 4000);
  run(where, source, [path], 1, 2_000_000);
  path.rate = 3;
  run(where, source, [path], 18, 2_000_000);
  assert.equal(viewer.subscriber.gate.falls, 1, "behind all the time");
  assert.equal(viewer.subscriber.state("video"), "behind");
  assert.equal(where.of("viewer-stalled").length, 0);
});

for (const [bits, share] of [
  [2_000_000, 0.5],
  [8_000_000, 0.5],
  [2_000_000, 0.8],
  [2_000_000, 0.25],
] as const) {
  test(`a path for ${share * 100} % of ${bits / 1e6} Mbit/s is never more than the bound behind`, () => {
    const where = new World();
    const source = where.publish();
    const viewer = viewIn(where);
    const path = new Path(viewer, (bits / 8000) * share);
    run(where, source, [path], 30, bits);
    // A frame that was begun within the bound is finished; a keyframe is begun within half of it.
    const most = Math.max(500 + 40 / share, 250 + (KEY_FACTOR * 40) / share) + 60;
    const worst = path.worst(2000);
    assert.ok(path.worst() <= most * 1.2, `${path.worst()} ms before the first reports`);
    assert.ok(worst <= most, `${worst} ms`);
    assertWholeFrames(viewer);
    assertContiguous(viewer, VIDEO_SSRC);
    const shown = new Set(viewer.of(VIDEO_SSRC).map((one) => partOf(one.payload).frame)).size;
    assert.ok(shown >= (share < 0.5 ? 20 : 100), `${shown} of ${30 * 25} frames`);
    assert.equal(viewer.subscriber.audio?.stats.droppedPackets, 0);
  });
}

test("a viewer with receiver reports only is bounded too, later by their interval", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  const path = new Path(viewer, 125, 20, 1000, false);
  run(where, source, [path], 30, 2_000_000);
  assert.ok(path.worst() < 2500, `${path.worst()} ms`);
  assert.ok(viewer.subscriber.gate.falls > 1);
  assertWholeFrames(viewer);
});

test("a good path with receiver reports only drops nothing", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  const path = new Path(viewer, 2000, 60, 1400, false);
  run(where, source, [path], 20, 6_000_000);
  assert.equal(viewer.subscriber.gate.falls, 0);
});

test("a long path and large keyframes are not taken for a slow viewer", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  const path = new Path(viewer, 1500, 150, 100);
  run(where, source, [path], 20, 4_000_000, (now) => {
    if (now % 1500 === 0) viewer.subscriber.handleKeyframeRequest(now);
  });
  assert.equal(viewer.subscriber.gate.falls, 0, `${path.worst()}`);
});

test("a viewer who never reports is bounded in bytes, and closed", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  run(where, source, [], 20, 8_000_000);
  assert.ok(viewer.bytes < 2_300_000, `${viewer.bytes}`);
  assert.equal(where.of("viewer-stalled").length, 1);
});

test("our own queue is bounded in bytes, whatever the viewer reports", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  const path = new Path(viewer, 4000);
  run(where, source, [path], 1, 8_000_000);
  viewer.queuedBytes = 300 * 1024;
  viewer.onDeliver = (bytes) => {
    viewer.queuedBytes += bytes.length;
  };
  run(where, source, [], 5, 8_000_000);
  assert.ok(viewer.queuedBytes < 400 * 1024);
  assertWholeFrames(viewer);
});

test("a frame without an end does not fill the queue of a slow viewer", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  viewer.onDeliver = (bytes) => {
    viewer.queuedBytes += bytes.length;
  };
  source.pushFrame(where.now, true);
  for (let i = 0; i < 100; i++) {
    source.pushFrame(where.now, false, 50, 1200, i === 0 ? 3000 : 0);
    where.pass(10);
  }
  assert.ok(viewer.queuedBytes < 2_300_000, `${viewer.queuedBytes}`);
  assertContiguous(viewer, VIDEO_SSRC);
});
