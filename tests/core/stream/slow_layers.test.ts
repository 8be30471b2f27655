import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_RAISES_PER_MINUTE } from "../../../core/stream/mod.ts";
import { assertContinuous, VIDEO_SSRC, type Viewer, videoOptions, World } from "./fixture.ts";
import { layerOf, Simulcast } from "./simulcast.ts";

/** A path of limited rate that reports by transport-wide feedback what came out of it. */
class SlowPath {
  /** Bytes per ms. */
  rate: number;
  readonly #viewer: Viewer;
  readonly #queue: { left: number; readonly transport: number; readonly rid: string }[] = [];
  /** Layer of the packet that arrived last, and when it did. */
  arrived = "";
  arrivedAt = 0;
  /** Longest time without video since it was last set to 0. */
  freeze = 0;
  #highest = -1;
  #reportAt = 0;

  constructor(viewer: Viewer, rate: number) {
    this.#viewer = viewer;
    this.rate = rate;
  }

  /** Lets `millis` pass on the path. */
  pass(now: number, millis: number): void {
    const { seen, subscriber } = this.#viewer;
    for (const { header, payload, bytes, transport } of seen.splice(0)) {
      const rid = header.ssrc === VIDEO_SSRC ? layerOf(payload).rid : "";
      this.#queue.push({ left: bytes.length, transport, rid });
    }
    let room = this.rate * millis;
    for (let first = this.#queue[0]; first !== undefined && room > 0; first = this.#queue[0]) {
      const taken = Math.min(room, first.left);
      room -= taken;
      first.left -= taken;
      if (first.left > 0) break;
      this.#queue.shift();
      this.#highest = first.transport;
      if (first.rid === "") continue;
      if (this.arrivedAt > 0) this.freeze = Math.max(this.freeze, now - this.arrivedAt);
      this.arrived = first.rid;
      this.arrivedAt = now;
    }
    if (now < this.#reportAt || this.#highest < 0) return;
    this.#reportAt = now + 100;
    subscriber.handleTransportFeedback(this.#highest, now);
  }
}

interface Stage {
  readonly world: World;
  readonly source: Simulcast;
  readonly viewer: Viewer;
  readonly path: SlowPath;
  play(millis: number): void;
}

/** Layers of 25, 75 and 225 KB a second, and a path of `rate` bytes per ms. */
function stage(rate: number): Stage {
  const world = new World();
  const source = new Simulcast(world);
  source.play(world, 1000);
  const viewer = world.view({ video: videoOptions() });
  const path = new SlowPath(viewer, rate);
  const play = (millis: number): void => {
    source.play(world, millis, () => path.pass(world.now, 40));
  };
  return { world, source, viewer, path, play };
}

test("who falls behind is put on a lower layer, sees video again soon, and is raised later", () => {
  const { viewer, path, play } = stage(1000);
  play(3000);
  assert.equal(path.arrived, "f");
  path.rate = 100;
  path.freeze = 0;
  play(6000);
  assert.equal(path.arrived, "h", "75 KB/s fit 100");
  assert.ok(path.freeze < 2000, `${path.freeze} ms without video`);
  path.rate = 1000;
  path.freeze = 0;
  play(70_000);
  assert.equal(path.arrived, "f");
  assert.ok(path.freeze < 500, `${path.freeze} ms`);
  assert.ok(viewer.subscriber.video!.stats.switches <= 8);
});

test("a path for the lowest layer alone gets that one, and one below it drops frames", () => {
  const { viewer, path, play } = stage(40);
  let least = 0;
  for (let second = 0; second < 60; second++) {
    play(1000);
    if (path.arrived === "q") least++;
  }
  assert.ok(least >= 50, `${least} s of 60`);
  path.rate = 10;
  play(5000);
  assert.ok(viewer.subscriber.video!.stats.droppedFrames > 50);
  assert.notEqual(viewer.subscriber.video?.target ?? viewer.subscriber.video?.source, undefined);
});

test("a path that takes a layer and no more is tried ever more seldom", () => {
  const { viewer, play } = stage(100);
  const perMinute: number[] = [];
  for (let minute = 0; minute < 5; minute++) {
    const { switches } = viewer.subscriber.video!.stats;
    play(60_000);
    perMinute.push(viewer.subscriber.video!.stats.switches - switches);
  }
  assert.ok(
    perMinute.every((count) => count <= 2 * MAX_RAISES_PER_MINUTE),
    `${perMinute}`,
  );
  assert.ok(perMinute.at(-1)! <= 2, `${perMinute}`);
});

test("a path that changes all the time does not make the picture flap", () => {
  const { viewer, path, play } = stage(1000);
  const before = viewer.subscriber.video!.stats.switches;
  for (let i = 0; i < 40; i++) {
    path.rate = i % 2 === 0 ? 50 : 1000;
    play(1500);
  }
  const switches = viewer.subscriber.video!.stats.switches - before;
  assert.ok(switches >= 2 && switches <= 2 * MAX_RAISES_PER_MINUTE + 2, `${switches} in a minute`);
});

test("one slow viewer changes nothing for the others", () => {
  const { world, viewer, path, play } = stage(1000);
  const other = world.view({ video: videoOptions() });
  const second = new SlowPath(other, 1000);
  play(1000);
  path.rate = 60;
  for (let i = 0; i < 100; i++) {
    const { seen } = other;
    assertContinuous(other.of(VIDEO_SSRC));
    assert.ok(
      seen.every(
        ({ payload, header }) => header.ssrc !== VIDEO_SSRC || layerOf(payload).rid === "f",
      ),
    );
    second.pass(world.now, 1);
    play(40);
  }
  assert.notEqual(viewer.subscriber.video!.source, other.subscriber.video!.source);
  assert.equal(other.subscriber.video!.stats.switches, 0);
});
