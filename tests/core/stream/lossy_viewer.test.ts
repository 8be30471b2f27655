import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { AUDIO_SSRC, partOf, VIDEO_SSRC } from "./fixture.ts";
import { assertContiguous, assertWholeFrames } from "./frames.ts";
import { Call } from "./lossy_call.ts";

const BITS = 2_500_000;
/** Frames count when they are whole at the viewer so long after they were published. */
const IN_TIME_MILLIS = 500;

interface Figures {
  /** Shares of the frames published since `from`: whole in time, whole at all, and decoded. */
  readonly inTime: number;
  readonly whole: number;
  readonly decoded: number;
  /** Of the audio packets. */
  readonly audio: number;
}

function figuresOf(call: Call, from = 1000): Figures {
  const { sender, receiver, network } = call;
  let all = 0;
  let inTime = 0;
  let whole = 0;
  for (const [number, at] of sender.framesAt.entries()) {
    if (at < from || at > network.now - 1500) continue;
    const took = (receiver.frames.get(number)?.wholeAt ?? Number.POSITIVE_INFINITY) - at;
    all++;
    if (took <= IN_TIME_MILLIS) inTime++;
    if (took < Number.POSITIVE_INFINITY) whole++;
  }
  const decoded = receiver.decodedAt.filter((at) => at >= from).length;
  const published = sender.framesAt.filter((at) => at >= from).length;
  return {
    inTime: inTime / all,
    whole: whole / all,
    decoded: decoded / published,
    audio: receiver.audioAt.length / sender.audio,
  };
}

/** Sent to the viewer since `from`, in bits per second. */
function rateOf(call: Call, from: number): number {
  const bytes = call.sender.viewer.seen
    .filter((one) => one.at >= from)
    .reduce((sum, one) => sum + one.bytes.length, 0);
  return (bytes * 8000) / (call.network.now - from);
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function tell(t: TestContext, call: Call, from?: number): Figures {
  const figures = figuresOf(call, from);
  const { receiver, sender, lost, dropped } = call;
  const { gate, estimatedBitrate, video } = sender.viewer.subscriber;
  t.diagnostic(
    `in ${IN_TIME_MILLIS} ms ${percent(figures.inTime)}, whole ${percent(figures.whole)}, ` +
      `decoded ${percent(figures.decoded)}, audio ${percent(figures.audio)}; ` +
      `lost ${lost}, dropped ${dropped}, NACKed ${receiver.nacked}, ` +
      `repaired ${video?.stats.retransmittedPackets}, PLI ${receiver.plis}, ` +
      `falls ${gate.falls}, estimate ${Math.round(estimatedBitrate / 1000)} kbit/s`,
  );
  return figures;
}

describe("a viewer of datagrams behind loss, reordering and duplication", () => {
  for (const [roundTrip, loss, inTime] of [
    [100, 0.01, 0.99],
    [100, 0.05, 0.99],
    [100, 0.1, 0.97],
    [200, 0.01, 0.99],
    [200, 0.05, 0.92],
    [200, 0.1, 0.8],
  ] as const) {
    test(`of ${loss * 100} % and a round trip of ${roundTrip} ms gets ${inTime * 100} % of the frames in time`, (t) => {
      const delayMillis = roundTrip / 2;
      const bad = { loss, reordering: 0.01, duplication: 0.005 };
      const call = new Call({ bitsPerSecond: BITS, delayMillis, ...bad }).run(20);
      const figures = tell(t, call);
      assert.ok(figures.inTime >= inTime);
      assert.ok(figures.decoded >= 0.9);
      const { viewer } = call.sender;
      assert.equal(viewer.subscriber.gate.falls, 0, "loss by chance closes nothing");
      assert.equal(viewer.subscriber.estimatedBitrate, Number.POSITIVE_INFINITY);
      // About one request, and one repair, for each loss; requests and repairs get lost, too.
      const { nacked, repairs, needless, plis } = call.receiver;
      assert.ok(nacked <= call.lost * 1.5 + 40, `${nacked} requests for ${call.lost} losses`);
      assert.ok(repairs <= call.lost * 1.5 + 40, `${repairs} repairs for ${call.lost} losses`);
      assert.ok(needless <= call.lost * 0.1 + 40, `${needless} needless repairs`);
      assert.ok(plis <= 4 && call.sender.keyframes <= 5);
      assertWholeFrames(viewer);
      assertContiguous(viewer, AUDIO_SSRC);
    });
  }

  test("is not asked for packets that were only late: no storm of requests", (t) => {
    const late = { reordering: 0.2, heldMillis: 30 };
    const call = new Call({ bitsPerSecond: BITS, delayMillis: 50, ...late }).run(10);
    tell(t, call);
    const { nacked, packets } = call.receiver;
    assert.ok(nacked < packets * 0.02, `${nacked} requests for ${packets} packets`);
    assert.ok(figuresOf(call).inTime >= 0.99);
  });

  test("of 2 % gets all of 8 Mbit/s over a round trip of 300 ms: it is held for that long", (t) => {
    const call = new Call({ bitsPerSecond: 8_000_000, delayMillis: 150, loss: 0.02 }).run(10);
    assert.equal(tell(t, call).whole, 1);
    const { needless, plis } = call.receiver;
    assert.ok(needless < call.lost * 0.1, `${needless} needless repairs`);
    assert.equal(plis, 0);
    assert.equal(call.sender.viewer.subscriber.gate.falls, 0);
  });

  test("who gives receiver reports alone is served as well", (t) => {
    const call = new Call({ bitsPerSecond: BITS, delayMillis: 50, loss: 0.05, feedback: "rr" });
    assert.ok(tell(t, call.run(20)).inTime >= 0.99);
    assert.equal(call.sender.viewer.subscriber.gate.falls, 0);
    assert.ok(Math.abs(call.sender.viewer.subscriber.lossFraction - 0.05) < 0.05);
    assert.ok(Math.abs((call.sender.viewer.subscriber.roundTrip ?? 0) - 100) < 20);
  });
});

describe("a path that takes less than the stream", () => {
  for (const [rate, bufferMillis, decoded] of [
    [1_000_000, 400, 0.07],
    [1_000_000, 150, 0.07],
    [2_000_000, 400, 0.4],
    [2_000_000, 150, 0.35],
    [2_000_000, 50, 0.3],
  ] as const) {
    test(`of ${rate / 1e6} Mbit/s with ${bufferMillis} ms of buffer is given whole groups of pictures, and audio`, (t) => {
      const call = new Call({ bitsPerSecond: BITS, delayMillis: 50, rate, bufferMillis }).run(20);
      const { viewer } = call.sender;
      const { subscriber } = viewer;
      const figures = tell(t, call);
      assert.ok(figures.audio > 0.9);
      assert.ok(figures.decoded > decoded);
      assert.ok(subscriber.gate.falls >= 3);
      assert.ok((subscriber.video?.stats.droppedFrames ?? 0) > 20);
      assert.ok(Math.abs(subscriber.estimatedBitrate - rate) < rate * 0.3);
      const sent = rateOf(call, 3000);
      assert.ok(sent < rate * 1.3, `${sent} bit/s of ${rate}`);
      assert.equal(subscriber.audio?.stats.droppedPackets, 0);
      assertWholeFrames(viewer);
      assertContiguous(viewer, VIDEO_SSRC);
      // The bottleneck widens.
      call.rate = 10_000_000;
      const from = call.network.now + 7000;
      call.run(12);
      const after = tell(t, call, from);
      assert.ok(after.inTime === 1 && after.decoded > 0.99);
      assert.equal(subscriber.state("video"), "playing");
    });
  }

  // Without sound, packets are so rare there that what passes is measured by a few.
  for (const [bitsPerSecond, rate] of [
    [200_000, 100_000],
    [1_000_000, 20_000],
  ] as const) {
    test(`of ${rate / 1000} kbit/s for ${bitsPerSecond / 1000} is found wide again when it is, with pictures alone`, () => {
      const call = new Call({
        ...{ bitsPerSecond, delayMillis: 5, bufferMillis: 1000 },
        ...{ audio: false, keyframeMillis: 1000 },
      }).run(3);
      call.rate = rate;
      call.run(10);
      const { subscriber } = call.sender.viewer;
      assert.ok(subscriber.estimatedBitrate < bitsPerSecond / 2, `${subscriber.estimatedBitrate}`);
      call.rate = Number.POSITIVE_INFINITY;
      call.run(30);
      const before = call.receiver.decodedAt.length;
      call.run(5);
      assert.equal(call.receiver.decodedAt.length - before, 125, "each picture of 5 s");
    });
  }

  test("is found with receiver reports alone, too", (t) => {
    const narrow = { rate: 1_000_000, bufferMillis: 400, feedback: "rr" } as const;
    const call = new Call({ bitsPerSecond: BITS, delayMillis: 50, ...narrow }).run(20);
    const { viewer } = call.sender;
    assert.ok(tell(t, call).audio > 0.9);
    assert.ok(rateOf(call, 5000) < 1_700_000, `${rateOf(call, 5000)}`);
    assertWholeFrames(viewer);
  });
});

test("REMB below the stream's bitrate drops whole groups of pictures, and above it nothing", (t) => {
  const call = new Call({ bitsPerSecond: BITS, delayMillis: 50 }).run(3);
  const { viewer } = call.sender;
  const { subscriber } = viewer;
  assert.equal(subscriber.gate.falls, 0);
  call.receiver.remb = 1_000_000;
  call.run(15);
  tell(t, call, 4000);
  const sent = rateOf(call, 5000);
  assert.ok(sent > 600_000 && sent < 1_200_000, `${sent} bit/s`);
  assert.ok(subscriber.gate.falls >= 5);
  assert.equal(subscriber.audio?.stats.droppedPackets, 0);
  assertWholeFrames(viewer);
  assertContiguous(viewer, VIDEO_SSRC);
  const groups = viewer.of(VIDEO_SSRC).filter((one) => partOf(one.payload).key).length;
  assert.ok(groups > 5);
  call.receiver.remb = 5_000_000;
  call.run(8);
  const after = figuresOf(call, call.network.now - 5000);
  assert.ok(after.inTime === 1 && after.decoded > 0.99, JSON.stringify(after));
});

test("a viewer who asks for keyframes all the time gets one a second", () => {
  const call = new Call({ bitsPerSecond: BITS, delayMillis: 10 }).run(2);
  const { sender } = call;
  const before = sender.world.of("keyframe-request").length;
  for (let i = 0; i < 200; i++) {
    sender.viewer.subscriber.handleKeyframeRequest(call.network.now);
    call.run(0.05);
  }
  const asked = sender.world.of("keyframe-request").length - before;
  assert.ok(asked >= 9 && asked <= 14, `${asked} in 10 s`);
});
