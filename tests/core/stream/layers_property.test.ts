import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { difference32 } from "../../../core/wire/rtp/mod.ts";
import {
  assertContinuous,
  reportTransport,
  VIDEO_SSRC,
  type Viewer,
  videoOptions,
  World,
} from "./fixture.ts";
import { LAYERS, type LayerSource, layerOf, Simulcast } from "./simulcast.ts";

const RIDS = LAYERS.map(({ rid }) => rid);
const NAMES = [...RIDS, "auto", "high", "mid", "low", "nonsense"];

/** What may happen: to a layer of the publisher, to a viewer, to time. */
type Act =
  | { readonly act: "picture"; readonly keys: number }
  | { readonly act: "on"; readonly layer: number; readonly on: boolean }
  | { readonly act: "restart"; readonly layer: number }
  | { readonly act: "choose"; readonly viewer: number; readonly layer: string }
  | { readonly act: "nack"; readonly viewer: number; readonly back: number }
  | { readonly act: "slow"; readonly viewer: number; readonly queued: number }
  | { readonly act: "suspend"; readonly viewer: number }
  | { readonly act: "report" }
  | { readonly act: "republish"; readonly from: number }
  | { readonly act: "pass"; readonly millis: number };

const VIEWERS = 3;
const viewer = fc.nat(VIEWERS - 1);
const layer = fc.nat(LAYERS.length - 1);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ act: fc.constant("picture" as const), keys: fc.nat(7) }) },
  fc.record({ act: fc.constant("on" as const), layer, on: fc.boolean() }),
  fc.record({ act: fc.constant("restart" as const), layer }),
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant("choose" as const),
      viewer,
      layer: fc.constantFrom(...NAMES),
    }),
  },
  fc.record({ act: fc.constant("nack" as const), viewer, back: fc.nat(40) }),
  fc.record({
    act: fc.constant("slow" as const),
    viewer,
    queued: fc.constantFrom(0, 100_000, 300_000, 5_000_000),
  }),
  fc.record({ act: fc.constant("suspend" as const), viewer }),
  fc.record({ act: fc.constant("report" as const) }),
  fc.record({ act: fc.constant("republish" as const), from: layer }),
  fc.record({ act: fc.constant("pass" as const), millis: fc.nat(1500) }),
);

/** A publisher and his viewers, to whom things happen. */
class Stage {
  readonly world = new World();
  source = new Simulcast(this.world);
  readonly viewers = Array.from({ length: VIEWERS }, () =>
    this.world.view({ video: videoOptions() }),
  );

  do(one: Act): void {
    const { world, source } = this;
    if (one.act === "picture") {
      source.layers.forEach((each, i) => {
        if ((one.keys >> i) & 1) each.wantsKey = true;
      });
      source.picture(world);
    } else if (one.act === "report") source.report(world);
    else if (one.act === "pass") world.pass(one.millis);
    else if (one.act === "republish") {
      source.publisher.end();
      this.source = new Simulcast(world, LAYERS.slice(one.from));
    } else if ("layer" in one && typeof one.layer === "number") {
      const each = source.layers[one.layer % source.layers.length];
      if (each !== undefined) this.#doLayer(each, one);
    } else this.#doViewer(this.viewers[(one as { viewer: number }).viewer]!, one);
    for (const { seen, subscriber } of this.viewers) {
      const newest = seen.at(-1);
      if (newest !== undefined) reportTransport(subscriber, newest.transport, world.now);
    }
    world.pass(17);
  }

  #doLayer(each: LayerSource, one: Act): void {
    if (one.act === "on") each.on = one.on;
    if (one.act !== "restart") return;
    each.ssrc += 0x100;
    each.index += 12_345;
    each.timestampAtZero += 99_999_999;
  }

  #doViewer(each: Viewer, one: Act): void {
    const { now } = this.world;
    const { subscriber } = each;
    if (one.act === "choose") subscriber.chooseLayer({ layer: one.layer, maxHeight: 1e9 }, now);
    if (one.act === "slow") each.queuedBytes = one.queued;
    if (one.act === "nack") {
      const wanted = ((subscriber.video?.highestSent ?? 0) - one.back) & 0xffff;
      subscriber.handleNack(VIDEO_SSRC, [wanted], now);
    }
    if (one.act !== "suspend") return;
    subscriber.suspend();
    this.world.pass(200);
    subscriber.resume(this.world.now);
  }
}

/** Changes of layer that a viewer was shown, each of them as it must be. */
function changesOf(viewer: Viewer): number {
  let changes = 0;
  const packets = viewer.of(VIDEO_SSRC);
  assertContinuous(packets);
  for (let i = 1; i < packets.length; i++) {
    const [before, after] = [packets[i - 1]!, packets[i]!];
    const back = difference32(before.header.timestamp, after.header.timestamp);
    assert.ok(back <= 0, `time goes back by ${back}`);
    const [from, to] = [layerOf(before.payload), layerOf(after.payload)];
    if (from.rid === to.rid) continue;
    changes++;
    assert.ok(to.key && to.start && back < 0, `${from.rid} to ${to.rid}`);
  }
  return changes;
}

test("whatever layers, viewers and time do: no gap, no time backwards, no change but at a keyframe", () => {
  let changes = 0;
  const property = fc.property(fc.array(act, { minLength: 30, maxLength: 120 }), (acts) => {
    const stage = new Stage();
    for (const one of acts) stage.do(one);
    for (const each of stage.viewers) changes += changesOf(each);
    assert.equal(stage.world.engine.refused, 0);
  });
  fc.assert(property, { seed: 53, numRuns: 80 });
  assert.ok(changes > 150, `${changes} changes`);
});
