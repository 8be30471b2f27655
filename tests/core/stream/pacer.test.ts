import assert from "node:assert/strict";
import { test } from "node:test";
import { PACE_MILLIS, Pacer } from "../../../core/stream/pacer.ts";
import { reportTransport, type Source, VIDEO_SSRC, type Viewer, World } from "./fixture.ts";

const packet = (bytes: number): Uint8Array => new Uint8Array(bytes);
const MOST = 1_000_000;

test("what waits goes in order, as fast as the path takes it on average", () => {
  const pacer = new Pacer();
  pacer.start(99, 0);
  for (let i = 0; i < 2000; i++) pacer.hold(packet(1000), 1e9);
  const sent: number[] = [];
  for (let now = 0; now <= 10_000; now += PACE_MILLIS) {
    pacer.release(1_000_000, now, (_, number) => sent.push(number));
  }
  assert.ok(Math.abs(sent.length - 1250) < 15, `${sent.length} packets of 8000 bits in 10 s`);
  assert.deepEqual(
    sent,
    sent.map((_, i) => 100 + i),
  );
  assert.equal(pacer.bytes, (2000 - sent.length) * 1000);
});

test("a pause earns no more than a moment's worth, and a packet larger than that may go", () => {
  const pacer = new Pacer();
  pacer.start(0, 0);
  let sent = 0;
  for (let i = 0; i < 50; i++) pacer.hold(packet(1200), MOST);
  pacer.release(100_000, 60_000, () => sent++);
  assert.equal(sent, 1);
  pacer.release(100_000, 60_000 + PACE_MILLIS, () => sent++);
  assert.equal(sent, 1);
  pacer.release(Number.POSITIVE_INFINITY, 60_100, () => sent++);
  assert.equal(sent, 50, "and all of it when the path takes everything");
});

test("what is above the bound is dropped, and its number is skipped", () => {
  const pacer = new Pacer();
  pacer.start(0, 0);
  for (let i = 0; i < 5; i++) pacer.hold(packet(1000), 2500);
  assert.equal(pacer.bytes, 3000);
  const numbers: number[] = [];
  pacer.release(Number.POSITIVE_INFINITY, 1, (_, number) => numbers.push(number));
  pacer.hold(packet(1000), 2500);
  pacer.release(Number.POSITIVE_INFINITY, 2, (_, number) => numbers.push(number));
  assert.deepEqual(numbers, [1, 2, 3, 6]);
});

/** A viewer of datagrams whose path was found to take 1 Mbit/s, and whose feedback goes on. */
function narrow(): { world: World; source: Source; viewer: Viewer } {
  const world = new World();
  const viewer = world.view();
  viewer.framed = false;
  const source = world.publish();
  source.pushFrame(world.now, true);
  reportTransport(viewer.subscriber, viewer.seen.at(-1)!.transport, world.now);
  const { bandwidth } = viewer.subscriber.gate;
  Object.defineProperty(bandwidth, "pathBitrate", { value: 1_000_000 });
  return { world, source, viewer };
}

test("a frame goes out over the time that the path takes for it", () => {
  const { world, source, viewer } = narrow();
  world.pass(1000);
  const from = world.now;
  const before = viewer.seen.length;
  source.pushFrame(world.now, false, 25, 1000); // 200 ms at 1 Mbit/s
  assert.ok(viewer.seen.length - before <= 3, "not all at once");
  world.pass(500);
  const seen = viewer.seen.slice(before);
  assert.equal(seen.length, 25);
  const took = seen.at(-1)!.at - from;
  assert.ok(took > 150 && took < 250, `${took} ms`);
  const numbers = seen.map((one) => one.transport);
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => (numbers[0]! + i) & 0xffff),
  );
  assert.equal(world.hub.stream("live/test")!.pacing.due, Number.POSITIVE_INFINITY);
});

test("the gate counts what waits, and closes in front of a frame", () => {
  const { world, source, viewer } = narrow();
  const { subscriber } = viewer;
  let most = 0;
  const pass = (frames: number, step: () => void): void => {
    for (let i = 0; i < frames; i++) {
      step();
      world.pass(40);
      most = Math.max(most, subscriber.gate.waiting);
      reportTransport(subscriber, viewer.seen.at(-1)!.transport, world.now);
    }
  };
  pass(50, () => source.pushFrame(world.now, false, 10, 1000));
  assert.ok(subscriber.gate.falls >= 1);
  // It is looked at every 40 ms, in front of a frame of 80.
  assert.ok(most > 460 && most < 700, `${most} ms`);
  pass(50, () => {});
  assert.ok(subscriber.gate.video, "and opens when it has drained");
});

for (const how of ["another path", "no path", "leaving"] as const) {
  test(`what waits is forgotten on ${how}`, () => {
    const { world, source, viewer } = narrow();
    source.pushFrame(world.now, false, 25, 1000);
    const { subscriber } = viewer;
    if (how === "another path") {
      viewer.framed = true;
      subscriber.resume(world.now);
    } else if (how === "no path") subscriber.suspend();
    else subscriber.close();
    const before = viewer.seen.length;
    world.pass(1000);
    assert.equal(viewer.seen.length, before);
    assert.equal(world.hub.stream("live/test")!.pacing.due, Number.POSITIVE_INFINITY);
    assert.ok(viewer.of(VIDEO_SSRC).length < 10);
  });
}
