import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  AUDIO_SSRC,
  partOf,
  RTX_SSRC,
  type Source,
  VIDEO_SSRC,
  type Viewer,
  videoOptions,
  World,
} from "./fixture.ts";

type Step =
  | { readonly do: "frame"; readonly key: boolean; readonly parts: number; readonly loss: number }
  | { readonly do: "shuffled"; readonly order: number }
  | { readonly do: "audio" | "reload" | "ssrc" | "codec" }
  | { readonly do: "queue"; readonly kilobytes: number }
  | { readonly do: "suspend" | "resume" }
  | { readonly do: "nack"; readonly back: number; readonly count: number }
  | { readonly do: "wait"; readonly millis: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("frame" as const),
      key: fc.nat(4).map((n) => n === 0),
      parts: fc.integer({ min: 1, max: 6 }),
      loss: fc.nat(40),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("shuffled" as const), order: fc.nat(999) }) },
  { weight: 3, arbitrary: fc.constant({ do: "audio" as const }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step>({ do: "reload" }, { do: "ssrc" }, { do: "codec" }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("queue" as const),
      kilobytes: fc.constantFrom(0, 0, 100, 200, 300, 600, 3000),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: "suspend" }, { do: "resume" }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("nack" as const),
      back: fc.nat(60),
      count: fc.integer({ min: 1, max: 20 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), millis: fc.nat(700) }) },
);

/** Packets of the source that were lost before us leave gaps, all others must not. */
function assertNumbers(viewer: Viewer, ssrc: number, lossless: boolean): void {
  const seen = viewer.of(ssrc);
  const used = new Set<number>();
  let highest = -1;
  for (const one of seen) {
    let index = one.header.sequenceNumber;
    if (highest >= 0) index = highest + (((index - highest) << 16) >> 16);
    assert.ok(!used.has(index), `index ${index} of ${ssrc} is used once`);
    used.add(index);
    highest = Math.max(highest, index);
  }
  if (!lossless || seen.length === 0) return;
  assert.equal(used.size, highest - Math.min(...used) + 1, "no gap");
}

/** One run: the viewer is slow and leaves and comes back, the bystander is not and does not. */
class Run {
  readonly world: World = new World();
  readonly viewer: Viewer;
  readonly bystander: Viewer;
  readonly #lossy: boolean;
  #source: Source;
  #sources = 0;

  constructor(rtx: boolean, lossy: boolean) {
    const { rtxSsrc, ...plain } = videoOptions();
    const video = rtx && rtxSsrc ? { ...plain, rtxSsrc } : { ...plain, nack: false };
    this.viewer = this.world.view({ video });
    this.bystander = this.world.view();
    this.#lossy = lossy;
    this.#source = this.world.publish("tab");
    this.#source.pushFrame(this.world.now, true);
  }

  step(one: Step): void {
    const { world, viewer } = this;
    world.pass(20);
    switch (one.do) {
      case "frame":
        this.#frame(one.key, one.parts, one.loss);
        break;
      case "shuffled":
        if (this.#lossy) this.#shuffled(one.order);
        break;
      case "audio":
        this.#source.pushAudio(world.now);
        break;
      case "queue":
        viewer.queuedBytes = one.kilobytes * 1024;
        break;
      case "suspend":
        viewer.subscriber.suspend();
        break;
      case "resume":
        viewer.subscriber.resume(world.now);
        break;
      case "nack":
        this.#nack(one.back, one.count);
        break;
      case "wait":
        world.pass(one.millis);
        break;
      default:
        this.#change(one.do);
    }
  }

  #frame(key: boolean, parts: number, loss: number): void {
    const packets = this.#source.packetsOfFrame(key, parts, 60);
    if (this.#lossy && loss < parts) packets.splice(loss, 1);
    this.#put(packets, () => false);
  }

  #shuffled(order: number): void {
    const packets = [
      ...this.#source.packetsOfFrame(order % 7 === 0, 3, 60),
      ...this.#source.packetsOfFrame(order % 5 === 0, 3, 60),
    ];
    let left = order;
    const shuffled: [Uint8Array, number][] = [];
    while (packets.length > 0) {
      shuffled.push(...packets.splice(left % packets.length, 1));
      left = Math.floor(left / 3);
    }
    this.#put(shuffled, (i) => (order >> i) % 2 === 0);
  }

  #put(packets: readonly [Uint8Array, number][], flush: (i: number) => boolean): void {
    const { publisher, video } = this.#source;
    for (const [i, [bytes, index]] of packets.entries()) {
      publisher.put(video, bytes, index, this.world.now);
      if (flush(i)) publisher.flush(this.world.now);
    }
    publisher.flush(this.world.now);
  }

  #nack(back: number, count: number): void {
    const sent = this.viewer.of(VIDEO_SSRC).slice(-60);
    const numbers = sent.slice(back, back + count).map((seen) => seen.header.sequenceNumber);
    this.viewer.subscriber.handleNack(VIDEO_SSRC, numbers, this.world.now);
  }

  #change(what: "reload" | "ssrc" | "codec"): void {
    this.#sources++;
    if (what === "codec") {
      this.#source.videoPayloadType = this.#source.videoPayloadType === 100 ? 101 : 100;
    } else if (what === "ssrc") {
      this.#source.videoSsrc += 100 + this.#sources;
      this.#source.videoIndex += 77;
    } else {
      const { frame } = this.#source;
      this.#source = this.world.publish("tab");
      this.#source.frame = frame;
      this.#source.videoSsrc += this.#sources;
      this.#source.videoIndex = this.#sources * 1000;
    }
  }
}

const total = { falls: 0, dropped: 0, shown: 0, resent: 0 };

function check(steps: readonly Step[], rtx: boolean, lossy: boolean): void {
  const run = new Run(rtx, lossy);
  for (const one of steps) run.step(one);
  const { viewer, bystander, world } = run;
  assertNumbers(viewer, VIDEO_SSRC, !lossy);
  assertNumbers(bystander, VIDEO_SSRC, !lossy);
  assertNumbers(viewer, RTX_SSRC, true);
  assertNumbers(bystander, AUDIO_SSRC, true);
  if (!lossy) assertFrames(viewer);
  assert.equal(world.engine.refused, 0, "the engine never had to refuse an index");
  assert.equal(bystander.subscriber.video?.stats.droppedPackets, 0);
  const asked = world.of("keyframe-request").map((event) => event.at);
  for (let i = 1; i < asked.length; i++) assert.ok(asked[i]! - asked[i - 1]! >= 500);
  total.falls += viewer.subscriber.gate.falls;
  total.dropped += viewer.subscriber.video?.stats.droppedFrames ?? 0;
  total.shown += viewer.of(VIDEO_SSRC).length;
  total.resent += viewer.of(RTX_SSRC).length;
}

/** Frames are whole, and after a hole the next is a keyframe. Cut ones end a run. */
function assertFrames(viewer: Viewer): void {
  const parts = viewer.of(VIDEO_SSRC).map((one) => partOf(one.payload));
  let next = 0;
  for (let i = 0; i < parts.length; i++) {
    const { frame, part, key } = parts[i]!;
    const goesOn = i > 0 && part === next && frame === parts[i - 1]!.frame;
    if (!goesOn) {
      assert.equal(part, 0, "what is shown begins with the beginning of a frame");
      const before = parts[i - 1];
      if (before === undefined || frame !== before.frame + 1) assert.ok(key);
    }
    next = part + 1;
  }
}

for (const [rtx, lossy] of [
  [true, false],
  [true, true],
  [false, false],
  [false, true],
] as const) {
  const how = `${rtx ? "RTX" : "no RTX"}, ${lossy ? "packets lost and reordered" : "no loss"}`;
  test(`whatever is dropped, a viewer's numbers have no gap and none is used twice (${how})`, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 60, maxLength: 250, size: "max" }), (steps) =>
        check(steps, rtx, lossy),
      ),
      { seed: 20_26, numRuns: 150 },
    );
  });
}

test("the runs above did fall behind, drop, resume and repeat", () => {
  assert.ok(total.falls > 300 && total.dropped > 500, JSON.stringify(total));
  assert.ok(total.shown > 5000 && total.resent > 200, JSON.stringify(total));
});
