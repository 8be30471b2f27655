import assert from "node:assert/strict";
import { test } from "node:test";
import { difference32 } from "../../../core/wire/rtp/mod.ts";
import {
  AUDIO_SSRC,
  assertContinuous,
  RTX_SSRC,
  reportTransport,
  type Seen,
  VIDEO_SSRC,
  type Viewer,
  videoOptions,
  World,
} from "./fixture.ts";
import { LAYERS, layerOf, Simulcast } from "./simulcast.ts";

/** Layers in the order a viewer was shown them. */
function shown(viewer: Viewer): string {
  let out = "";
  for (const { payload } of viewer.of(VIDEO_SSRC)) {
    const { rid } = layerOf(payload);
    if (!out.endsWith(rid)) out += rid;
  }
  return out;
}

/** No gap, each layer begins with a keyframe, time goes on as the pictures were taken. */
function assertSmooth(packets: readonly Seen[], tolerance = 5): void {
  assertContinuous(packets);
  let rid = "";
  let frame = -1;
  let before: Seen | undefined;
  for (const packet of packets) {
    const part = layerOf(packet.payload);
    if (part.rid !== rid) assert.ok(part.start && part.key, `${rid} to ${part.rid} at no keyframe`);
    if (before !== undefined && (part.rid !== rid || part.frame !== frame)) {
      const millis = difference32(packet.header.timestamp, before.header.timestamp) / 90;
      assert.ok(millis > 0, `time goes back by ${-millis} ms`);
      const arrived = packet.at - before.at;
      assert.ok(Math.abs(millis - arrived) <= tolerance, `${millis} ms, arrived after ${arrived}`);
    }
    if (before === undefined || part.frame !== frame || part.rid !== rid) before = packet;
    ({ rid, frame } = part);
  }
}

function started(reports = false): { readonly world: World; readonly source: Simulcast } {
  const world = new World();
  const source = new Simulcast(world);
  source.play(world, 1000);
  if (reports) source.report(world);
  return { world, source };
}

test("who joins gets the best layer, from a keyframe that is asked of this layer alone", () => {
  const { world, source } = started();
  const viewer = world.view();
  source.play(world, 1000);
  assert.equal(shown(viewer), "f");
  assert.deepEqual(
    source.asked.map(({ rid }) => rid),
    ["f"],
  );
  assertSmooth(viewer.of(VIDEO_SSRC));
  assert.ok(viewer.of(AUDIO_SSRC).length >= 24, "audio comes with every layer");
});

test("who asks for a layer gets it: by rid, or by high, mid and low", () => {
  const { world, source } = started();
  const of = (layer: string): Viewer => {
    const video = videoOptions();
    return world.view({ video, layer: { layer, maxHeight: Number.POSITIVE_INFINITY } });
  };
  const viewers = ["q", "h", "f", "low", "mid", "high", "auto", "nonsense"].map(of);
  source.play(world, 1000);
  assert.deepEqual(viewers.map(shown), ["q", "h", "f", "q", "h", "f", "f", "f"]);
  for (const viewer of viewers) assertSmooth(viewer.of(VIDEO_SSRC));
});

test("who does not take the codec of the best layer gets the best that he takes", () => {
  const world = new World();
  const [q, h, f] = LAYERS;
  const source = new Simulcast(world, [q!, h!, { ...f!, payloadType: 101 }]);
  source.play(world, 500);
  const formats = videoOptions().formats.slice(0, 1);
  const viewer = world.view({ video: videoOptions({ formats }) });
  const other = world.view();
  source.play(world, 500);
  assert.deepEqual([shown(viewer), shown(other)], ["h", "f"]);
  assert.equal(other.of(VIDEO_SSRC).at(-1)?.header.payloadType, 102);
  assert.equal(viewer.subscriber.video?.state, "playing");
});

test("a greatest height is kept to while there is a layer within it", () => {
  const { world, source } = started();
  const viewers = [1080, 480, 360, 90].map((maxHeight) =>
    world.view({ video: videoOptions(), layer: { layer: "auto", maxHeight } }),
  );
  source.play(world, 1000);
  assert.deepEqual(viewers.map(shown), ["f", "h", "h", "q"]);
});

for (const reports of [false, true]) {
  const by = reports ? "sender reports" : "arrival";
  test(`a change of layer goes on without gap or jump, timestamps by ${by}`, () => {
    const { world, source } = started(reports);
    const viewer = world.view();
    for (const layer of ["f", "q", "h", "f", "low", "high", "mid"]) {
      source.play(world, 400);
      viewer.subscriber.chooseLayer({ layer, maxHeight: 1e9 }, world.now);
      source.play(world, 400);
    }
    assert.equal(shown(viewer), "fqhfqfh");
    assertSmooth(viewer.of(VIDEO_SSRC), reports ? 7 : 5);
    assert.equal(viewer.subscriber.video?.stats.switches, 6);
    assert.equal(world.hub.totals().layerSwitches, 6);
    assert.equal(world.engine.refused, 0);
  });
}

test("by sender reports, a picture has one timestamp whatever layer it came on", () => {
  const { world, source } = started(true);
  const one = world.view();
  const other = world.view();
  source.play(world, 400);
  other.subscriber.chooseLayer({ layer: "q", maxHeight: 1e9 }, world.now);
  source.play(world, 800);
  const last = (viewer: Viewer): number => viewer.of(VIDEO_SSRC).at(-1)!.header.timestamp;
  assert.deepEqual([shown(one), shown(other)], ["f", "fq"]);
  // Both count from layer f's own timestamps; 1 ms is the rounding of the reports.
  assert.ok(Math.abs(difference32(last(one), last(other))) <= 90);
});

test("sender reports that put a layer far from its arrival are not believed", () => {
  const { world, source } = started(true);
  const f = source.layer("f");
  const ntp = { seconds: 3_900_000_000 + world.now / 1000, fraction: 0 };
  source.publisher.handleSenderReport(
    f.ssrc,
    ntp,
    f.timestamp(world.now) + 1.5 * 90_000,
    world.now,
  );
  const viewer = world.view({ video: videoOptions(), layer: { layer: "q", maxHeight: 1e9 } });
  source.play(world, 400);
  viewer.subscriber.chooseLayer({ layer: "f", maxHeight: 1e9 }, world.now);
  source.play(world, 400);
  assert.equal(shown(viewer), "qf");
  assertSmooth(viewer.of(VIDEO_SSRC));
});

test("reports to the viewer stay true over a change of layer", () => {
  const { world, source } = started(true);
  const viewer = world.view();
  source.play(world, 500);
  for (const layer of ["q", "f", "h"]) {
    viewer.subscriber.chooseLayer({ layer, maxHeight: 1e9 }, world.now);
    source.play(world, 1500);
    const { report, at } = viewer.reports.filter((one) => one.report.ssrc === VIDEO_SSRC).at(-1)!;
    const newest = viewer.of(VIDEO_SSRC).at(-1)!;
    const captured = source.layer(layer).timestamp(newest.at);
    assert.ok(captured >= 0);
    const apart = difference32(newest.header.timestamp, report.rtpTime) / 90 - (newest.at - at);
    assert.ok(Math.abs(apart) <= 12, `${layer}: ${apart} ms apart`);
  }
});

test("until the keyframe of the next layer comes, the last one goes on", () => {
  const { world, source } = started();
  const viewer = world.view();
  source.play(world, 400);
  viewer.subscriber.chooseLayer({ layer: "low", maxHeight: 1e9 }, world.now);
  world.drain();
  const asked = world.of("keyframe-request").at(-1)!;
  assert.equal(asked.event.ssrc, source.layer("q").ssrc);
  assert.equal(asked.at, world.now, "at once");
  const before = viewer.of(VIDEO_SSRC).length;
  for (let i = 0; i < 10; i++) {
    source.picture(world);
    world.pass(31);
  }
  assert.equal(viewer.of(VIDEO_SSRC).length, before + 90);
  assert.equal(shown(viewer), "f");
  assert.equal(viewer.subscriber.video?.state, "playing");
});

test("a layer nobody gets is asked for nothing, lost packets included", () => {
  const { world, source } = started();
  world.view();
  source.play(world, 1000);
  world.events.length = 0;
  for (const layer of source.layers) {
    world.hub.stream("live/test")?.handleLost(layer.ssrc, world.now);
    layer.ssrc += 0x100; // begins anew, without a keyframe
  }
  source.picture(world);
  world.pass(1000);
  const asked = new Set(world.of("keyframe-request").map(({ event }) => event.ssrc));
  assert.deepEqual([...asked], [source.layer("f").ssrc - 0x100, source.layer("f").ssrc]);
});

test("keyframes of one layer are asked for 500 ms apart, whatever the others need", () => {
  const { world, source } = started();
  const viewers = [world.view(), world.view(), world.view()];
  source.play(world, 1000);
  world.events.length = 0;
  const end = world.now + 3000;
  while (world.now < end) {
    for (const [i, viewer] of viewers.entries()) {
      const layer = ["q", "h", "f"][i] ?? "";
      viewer.subscriber.chooseLayer({ layer, maxHeight: 1e9 }, world.now);
      viewer.subscriber.handleKeyframeRequest(world.now);
    }
    source.picture(world);
    world.pass(31);
  }
  for (const { ssrc } of source.layers) {
    const times = world.of("keyframe-request").filter(({ event }) => event.ssrc === ssrc);
    assert.ok(times.length >= 3 && times.length <= 7, `${times.length}`);
    for (let i = 1; i < times.length; i++) assert.ok(times[i]!.at - times[i - 1]!.at >= 500);
  }
});

test("viewers of a layer that falls silent are shown another within a second, and return", () => {
  const { world, source } = started();
  const viewers = [
    world.view(),
    world.view({ video: videoOptions(), layer: { layer: "high", maxHeight: 1e9 } }),
  ];
  source.play(world, 1000);
  source.layer("f").on = false;
  const silent = world.now;
  source.play(world, 2500);
  for (const viewer of viewers) {
    assert.equal(shown(viewer), "fh");
    const first = viewer.of(VIDEO_SSRC).find(({ payload }) => layerOf(payload).rid === "h");
    assert.ok(first!.at - silent < 1000, `${first!.at - silent} ms`);
  }
  source.layer("f").on = true;
  source.play(world, 2000);
  for (const viewer of viewers) {
    assert.equal(shown(viewer), "fhf");
    assertSmooth(viewer.of(VIDEO_SSRC));
  }
});

test("a source that is silent on all layers, or slow on all, is not taken for a lost layer", () => {
  const { world, source } = started();
  const viewer = world.view();
  source.play(world, 1000);
  world.pass(5000);
  source.play(world, 400);
  for (let i = 0; i < 10; i++) {
    source.picture(world);
    world.pass(2000);
  }
  assert.equal(shown(viewer), "f");
});

test("layers that come and go make no more changes than a minute may have", () => {
  const { world, source } = started();
  const viewer = world.view();
  source.play(world, 500);
  for (let i = 0; i < 30; i++) {
    source.layer("f").on = i % 2 === 0;
    source.play(world, 2000, () => {
      const { transport } = viewer.seen.at(-1)!;
      reportTransport(viewer.subscriber, transport, world.now);
    });
  }
  assert.equal(viewer.subscriber.gate.falls, 0);
  const { switches } = viewer.subscriber.video!.stats;
  assert.ok(switches >= 6 && switches <= 13, `${switches} in a minute`);
  assertSmooth(viewer.of(VIDEO_SSRC));
});

test("a publisher without layers goes on for the viewers of one who had them, and back", () => {
  const world = new World();
  const first = new Simulcast(world);
  first.play(world, 500);
  const viewer = world.view();
  first.play(world, 500);
  first.publisher.connected = false;
  const second = new Simulcast(world, [{ rid: "s", width: 800, height: 600, parts: 2 }]);
  second.layers[0]!.ssrc = 0xc000;
  second.play(world, 500);
  second.publisher.connected = false;
  const third = new Simulcast(world);
  third.play(world, 1500);
  assert.match(shown(viewer), /^fsq?h?f$/);
  assertSmooth(viewer.of(VIDEO_SSRC), 60);
  assert.deepEqual(world.hub.stream("live/test")?.rids, ["q", "h", "f"]);
});

test("retransmissions over a change of layer bring the very packets that were sent", () => {
  const { world, source } = started();
  const viewer = world.view();
  source.play(world, 400);
  viewer.subscriber.chooseLayer({ layer: "q", maxHeight: 1e9 }, world.now);
  source.play(world, 400);
  const packets = viewer.of(VIDEO_SSRC);
  const change = packets.findIndex(({ payload }) => layerOf(payload).rid === "q");
  for (const wanted of packets.slice(change - 2, change + 2)) {
    viewer.subscriber.handleNack(VIDEO_SSRC, [wanted.header.sequenceNumber], world.now);
    const again = viewer.of(RTX_SSRC).at(-1)!;
    assert.deepEqual(again.payload.subarray(2), wanted.payload);
    assert.equal(again.header.timestamp, wanted.header.timestamp);
    world.pass(50);
  }
  assert.equal(viewer.of(RTX_SSRC).length, 4);
});

test("without RTX the very same bytes come again, of either layer", () => {
  const { world, source } = started();
  const { rtxSsrc: _, ...video } = videoOptions();
  const viewer = world.view({ video });
  source.play(world, 400);
  viewer.subscriber.chooseLayer({ layer: "q", maxHeight: 1e9 }, world.now);
  source.play(world, 400);
  const packets = viewer.of(VIDEO_SSRC);
  const change = packets.findIndex(({ payload }) => layerOf(payload).rid === "q");
  for (const wanted of packets.slice(change - 2, change + 2)) {
    const before = viewer.seen.length;
    viewer.subscriber.handleNack(VIDEO_SSRC, [wanted.header.sequenceNumber], world.now);
    assert.equal(viewer.seen.length, before + 1);
    assert.deepEqual(viewer.seen.at(-1)!.bytes, wanted.bytes);
  }
});

test("viewers of one layer share a seal, and each packet is put once", () => {
  const { world, source } = started();
  const wishes = ["f", "f", "f", "q", "q", "h"];
  const viewers = wishes.map((layer) =>
    world.view({ video: videoOptions(), layer: { layer, maxHeight: 1e9 } }),
  );
  source.play(world, 1000);
  world.engine.seals = 0;
  world.engine.puts = 0;
  source.picture(world);
  assert.equal(world.engine.seals, 3);
  assert.equal(world.engine.puts, 13);
  assert.deepEqual(viewers.map(shown), wishes);
});

test("layers beyond the bound, of one rid twice, or without rid are not taken", () => {
  const world = new World();
  const many = Array.from({ length: 100 }, (_, i) => ({ ...LAYERS[0]!, rid: `r${i}` }));
  const source = new Simulcast(world, many);
  assert.equal(source.publisher.layers.length, 4);
  source.play(world, 200);
  assert.ok(source.publisher.ignoredPackets > 0);
  const { formats, extensions } = source.layers[0]!.track;
  assert.equal(source.publisher.addTrack({ kind: "video", formats, extensions }), false);
  const other = new World();
  const twins = new Simulcast(other, [LAYERS[0]!, LAYERS[0]!]);
  assert.equal(twins.publisher.layers.length, 1);
});

test("the API's figures tell every layer, the worst first, whatever the order of the offer", () => {
  const world = new World();
  const source = new Simulcast(world, [...LAYERS].reverse());
  const viewer = world.view();
  source.play(world, 2000);
  const stream = world.hub.stream("live/test")!;
  assert.deepEqual(
    stream.layers.ranked.map(({ track }) => track.source?.rid),
    ["q", "h", "f"],
  );
  assert.equal(stream.video.description?.width, 1280);
  assert.equal(shown(viewer).at(-1), "f");
});
