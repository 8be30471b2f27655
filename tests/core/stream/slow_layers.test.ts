import assert from "node:assert/strict";
import { test } from "node:test";
import { TwccFeedback } from "../../../core/session/webrtc/feedback/mod.ts";
import { MAX_RAISES_PER_MINUTE } from "../../../core/stream/mod.ts";
import {
  assertContinuous,
  reportTransport,
  VIDEO_SSRC,
  type Viewer,
  videoOptions,
  World,
} from "./fixture.ts";
import { layerOf, Simulcast } from "./simulcast.ts";

/** How a viewer's path tells what came out of it. */
type Feedback = (typeof FEEDBACK)[number];
const FEEDBACK = ["highest number only", "arrival times", "arrival times of datagrams"] as const;

/** A path of limited rate with a queue without end, that reports by transport-wide feedback. */
class SlowPath {
  /** Bytes per ms. */
  rate: number;
  readonly #viewer: Viewer;
  readonly #queue: {
    at: number;
    readonly bytes: number;
    readonly transport: number;
    readonly rid: string;
  }[] = [];
  readonly #twcc: TwccFeedback | undefined;
  #busyUntil = 0;
  /** Layer of the packet that arrived last, and when it did. */
  arrived = "";
  arrivedAt = 0;
  /** Longest time without video since it was last set to 0. */
  freeze = 0;
  #highest = -1;
  #reportAt = 0;

  constructor(viewer: Viewer, rate: number, feedback: Feedback) {
    this.#viewer = viewer;
    this.rate = rate;
    if (feedback !== "highest number only") this.#twcc = new TwccFeedback({ senderSsrc: 1 });
  }

  /** Lets packets arrive up to `now`. */
  pass(now: number): void {
    const { seen } = this.#viewer;
    for (const { at, header, payload, bytes, transport } of seen.splice(0)) {
      const rid = header.ssrc === VIDEO_SSRC ? layerOf(payload).rid : "";
      this.#queue.push({ at, bytes: bytes.length, transport, rid });
    }
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const arrival = Math.max(first.at, this.#busyUntil) + first.bytes / this.rate;
      if (arrival > now) break;
      this.#queue.shift();
      this.#busyUntil = arrival;
      this.#arrive(first.transport, first.rid, arrival);
    }
    this.#report(now);
  }

  #arrive(transport: number, rid: string, at: number): void {
    this.#highest = transport;
    this.#twcc?.handlePacket(transport, VIDEO_SSRC, at);
    if (rid === "") return;
    if (this.arrivedAt > 0) this.freeze = Math.max(this.freeze, at - this.arrivedAt);
    this.arrived = rid;
    this.arrivedAt = at;
  }

  #report(now: number): void {
    const { subscriber } = this.#viewer;
    if (now < this.#reportAt || this.#highest < 0) return;
    this.#reportAt = now + 90;
    if (this.#twcc === undefined) reportTransport(subscriber, this.#highest, now);
    for (let bytes = this.#twcc?.poll(now); bytes !== undefined; bytes = this.#twcc?.poll(now)) {
      subscriber.handleTransportFeedback(bytes, 4, bytes.length, now);
    }
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
function stage(rate: number, feedback: Feedback): Stage {
  const world = new World();
  const source = new Simulcast(world);
  source.play(world, 1000);
  const viewer = world.view({ video: videoOptions() });
  viewer.framed = feedback !== "arrival times of datagrams";
  const path = new SlowPath(viewer, rate, feedback);
  const play = (millis: number): void => {
    source.play(world, millis, () => path.pass(world.now));
  };
  return { world, source, viewer, path, play };
}

for (const feedback of FEEDBACK) {
  test(`who falls behind is put on a lower layer, sees video again soon, and is raised later (${feedback})`, () => {
    const { viewer, path, play } = stage(1000, feedback);
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

  test(`a path for the lowest layer alone gets that one, and one below it drops frames (${feedback})`, () => {
    const { viewer, path, play } = stage(40, feedback);
    let least = 0;
    for (let second = 0; second < 60; second++) {
      play(1000);
      if (path.arrived === "q") least++;
    }
    assert.ok(least >= 45, `${least} s of 60`);
    path.rate = 10;
    play(5000);
    assert.ok(viewer.subscriber.video!.stats.droppedFrames > 50);
    assert.notEqual(viewer.subscriber.video?.target ?? viewer.subscriber.video?.source, undefined);
  });

  test(`a path that takes a layer and no more is tried ever more seldom (${feedback})`, () => {
    const { viewer, play } = stage(100, feedback);
    const perMinute: number[] = [];
    for (let minute = 0; minute < 3; minute++) {
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

  test(`a path that changes all the time does not make the picture flap (${feedback})`, () => {
    const { viewer, path, play } = stage(1000, feedback);
    const before = viewer.subscriber.video!.stats.switches;
    for (let i = 0; i < 40; i++) {
      path.rate = i % 2 === 0 ? 50 : 1000;
      play(1500);
    }
    const switches = viewer.subscriber.video!.stats.switches - before;
    assert.ok(
      switches >= 2 && switches <= 2 * MAX_RAISES_PER_MINUTE + 2,
      `${switches} in a minute`,
    );
  });

  test(`one slow viewer changes nothing for the others (${feedback})`, () => {
    const { world, viewer, path, play } = stage(1000, feedback);
    const other = world.view({ video: videoOptions() });
    const second = new SlowPath(other, 1000, feedback);
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
      second.pass(world.now);
      play(40);
    }
    assert.notEqual(viewer.subscriber.video!.source, other.subscriber.video!.source);
    assert.equal(other.subscriber.video!.stats.switches, 0);
  });
}
