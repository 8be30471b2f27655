import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate } from "../../../core/stream/gate.ts";
import { LayerChoice } from "../../../core/stream/layer_choice.ts";
import { DEFAULT_LIMITS, MAX_RAISES_PER_MINUTE } from "../../../core/stream/mod.ts";
import type { VideoLayer } from "../../../core/stream/video_layers.ts";
import { videoOptions, World } from "./fixture.ts";
import { Simulcast } from "./simulcast.ts";

/** A choice among layers of 200, 600 and 1800 kbit/s that is followed at once. */
class Chooser {
  readonly choice = new LayerChoice();
  readonly gate = new Gate(DEFAULT_LIMITS);
  estimate = Number.POSITIVE_INFINITY;
  now = 10_000;
  changes = 0;
  readonly layers: readonly VideoLayer[];
  readonly #viewer;

  constructor() {
    const world = new World();
    const source = new Simulcast(world);
    source.play(world, 1500);
    const viewer = world.view({ video: videoOptions() });
    source.play(world, 500);
    const stream = world.hub.stream("live/test");
    if (stream === undefined || viewer.subscriber.video === undefined) throw new Error("no stream");
    this.#viewer = viewer.subscriber.video;
    this.layers = stream.layers.ranked;
    for (const layer of this.layers) layer.aliveSince = 0;
  }

  get rid(): string {
    return this.#viewer.source.source?.rid ?? "";
  }

  /** Looks ten times a second, as the hub does. */
  pass(millis: number): string {
    for (const end = this.now + millis; this.now < end; this.now += 100) this.look();
    return this.rid;
  }

  look(): string {
    const { choice, gate, layers, estimate, now } = this;
    const picked = choice.pick(this.#viewer, layers, gate, estimate, now);
    if (picked !== undefined && picked.track !== this.#viewer.source) {
      this.changes++;
      this.#viewer.follow(picked.track);
    }
    return this.rid;
  }

  alive(at: number, alive: boolean): void {
    const layer = this.layers[at];
    if (layer !== undefined) layer.aliveSince = alive ? this.now : Number.POSITIVE_INFINITY;
  }
}

test("an estimate below what the layer costs lowers, before the viewer falls behind", () => {
  const one = new Chooser();
  assert.equal(one.pass(5000), "f");
  one.estimate = 1_000_000;
  assert.equal(one.look(), "h");
  one.estimate = 300_000;
  assert.equal(one.pass(2500), "h", "an estimate right after a change is not believed");
  assert.equal(one.pass(1500), "q");
  one.estimate = 1000;
  assert.equal(one.pass(10_000), "q", "there is nothing below");
});

test("who falls goes at once to the layer that the estimate covers", () => {
  const one = new Chooser();
  one.pass(5000);
  one.estimate = 300_000;
  one.gate.falls++;
  assert.equal(one.look(), "q");
});

test("a fall right after a change counts only if the estimate is below the layer, or unknown", () => {
  for (const [estimate, rid] of [
    [1_000_000, "h"],
    [500_000, "q"],
    [Number.POSITIVE_INFINITY, "q"],
  ] as const) {
    const one = new Chooser();
    one.pass(5000);
    one.gate.falls++;
    assert.equal(one.pass(1000), "h");
    one.estimate = estimate;
    one.gate.falls++;
    assert.equal(one.look(), rid, `${estimate}`);
  }
});

test("a layer on trial is left before a frame is lost to it", () => {
  const one = new Chooser();
  one.pass(5000);
  one.gate.falls++;
  assert.equal(one.pass(4000), "h");
  assert.equal(one.pass(1000), "f");
  one.gate.behind = () => 250;
  assert.equal(one.look(), "h");
  assert.equal(one.pass(5000), "h", "and for longer than the first time");
});

test("nobody is raised to what the estimate does not cover, however long it is quiet", () => {
  const one = new Chooser();
  one.estimate = 500_000;
  one.pass(20_000);
  assert.equal(one.rid, "q");
  one.pass(120_000);
  assert.equal(one.rid, "q");
  one.estimate = 1_000_000;
  assert.equal(one.pass(6000), "h");
  assert.equal(one.pass(60_000), "h");
  one.estimate = 4_000_000;
  assert.equal(one.pass(6000), "f");
});

test("each fall soon after a raise doubles the quiet time, up to a minute", () => {
  const one = new Chooser();
  const raisedAfter: number[] = [];
  for (let i = 0; i < 8; i++) {
    assert.equal(one.pass(1000), "f");
    one.gate.falls++;
    assert.equal(one.look(), "h");
    const since = one.now;
    while (one.rid === "h" && one.now - since < 100_000) one.pass(100);
    raisedAfter.push(Math.round((one.now - since) / 1000));
  }
  assert.deepEqual(raisedAfter, [4, 8, 16, 32, 60, 60, 60, 60]);
  one.pass(15_000);
  one.gate.falls++;
  one.look();
  assert.equal(one.pass(5000), "f", "a fall after a long time is a new one");
});

test("a layer that comes and goes is returned to so often in a minute and no more", () => {
  const one = new Chooser();
  one.pass(1000);
  one.changes = 0;
  for (let i = 0; i < 25; i++) {
    one.alive(2, false);
    assert.equal(one.pass(1000), "h");
    one.alive(2, true);
    one.pass(1000);
  }
  assert.equal(one.changes, 2 * MAX_RAISES_PER_MINUTE + 1);
  one.choice.ask({ layer: "2", maxHeight: 1e9 });
  one.choice.ask({ layer: "f", maxHeight: 1e9 });
  assert.equal(one.look(), "f", "who asks gets it at once");
});

test("a layer is returned to once it has come for half a second", () => {
  const one = new Chooser();
  one.pass(1000);
  one.alive(2, false);
  assert.equal(one.look(), "h");
  one.alive(2, true);
  assert.equal(one.pass(500), "h");
  assert.equal(one.pass(200), "f");
});

test("without the layer that is asked for, the next lower one is given, else the next higher", () => {
  const one = new Chooser();
  one.choice.ask({ layer: "h", maxHeight: 1e9 });
  assert.equal(one.look(), "h");
  one.alive(1, false);
  assert.equal(one.look(), "q");
  one.alive(0, false);
  assert.equal(one.pass(2000), "f");
});
