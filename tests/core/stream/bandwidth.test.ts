import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TwccFeedback } from "../../../core/session/webrtc/feedback/mod.ts";
import {
  BandwidthEstimator,
  CONGESTED_LOSS,
  MIN_BITRATE,
  TRACKED_PACKETS,
} from "../../../core/stream/bandwidth.ts";
import { encodeRtcp } from "../../../core/wire/rtcp/mod.ts";
import { SeededRandom } from "../../sim/random.ts";

const PACKET_BYTES = 1000;

interface PathOptions {
  /** What is sent and what the path takes, in bits per second. */
  readonly sent: number;
  readonly capacity?: number;
  readonly bufferMillis?: number;
  readonly loss?: number;
  /** Each packet is late by up to so much. */
  readonly jitterMillis?: number;
  readonly reordering?: number;
  readonly delayMillis?: number;
  /** The viewer's clock against ours. */
  readonly skewMillis?: number;
  /** Of 1000 packets how many fall into the burst of a keyframe. */
  readonly burst?: number;
}

/** An estimator and a path, packet by packet, with feedback every 50 ms. */
class Measured {
  readonly estimator = new BandwidthEstimator();
  readonly #twcc = new TwccFeedback({ senderSsrc: 1 });
  readonly #random = new SeededRandom(3);
  #now = 1000;
  #number = 0xffff;
  #busyUntil = 0;
  /** Arrivals at the viewer and feedback on its way back. */
  #events: { readonly at: number; readonly run: () => void }[] = [];
  lowest = Number.POSITIVE_INFINITY;

  get now(): number {
    return this.#now;
  }

  run(seconds: number, options: PathOptions): this {
    const end = this.#now + seconds * 1000;
    const gap = (PACKET_BYTES * 8000) / options.sent;
    for (let due = this.#now; due < end; due += gap) {
      this.#settle(due, options);
      this.#send(due, options);
    }
    this.#settle(end, options);
    return this;
  }

  #send(now: number, options: PathOptions): void {
    const { capacity = 1e9, bufferMillis = 200, loss = 0, jitterMillis = 0 } = options;
    const number = ++this.#number;
    this.estimator.sent(number, 1, PACKET_BYTES, now);
    const from = Math.max(now, this.#busyUntil);
    if (this.#random.chance(loss) || from - now > bufferMillis) return;
    this.#busyUntil = from + (PACKET_BYTES * 8000) / capacity;
    const held = this.#random.chance(options.reordering ?? 0) ? this.#random.next() * 60 : 0;
    const late = this.#random.next() * jitterMillis + held;
    const at = this.#busyUntil + (options.delayMillis ?? 30) + late;
    const there = at + (options.skewMillis ?? 0);
    this.#events.push({ at, run: () => this.#twcc.handlePacket(number & 0xffff, 1, there) });
  }

  #settle(until: number, options: PathOptions): void {
    this.#events.sort((a, b) => a.at - b.at);
    while (this.#events.length > 0 && this.#events[0]!.at <= until) {
      const event = this.#events.shift()!;
      this.#now = Math.max(this.#now, event.at);
      event.run();
      this.#report(options);
      this.#events.sort((a, b) => a.at - b.at);
    }
    this.#now = until;
  }

  #report(options: PathOptions): void {
    const there = this.#now + (options.skewMillis ?? 0);
    for (let bytes = this.#twcc.poll(there); bytes; bytes = this.#twcc.poll(there)) {
      const report = bytes;
      const at = this.#now + (options.delayMillis ?? 30);
      this.#events.push({
        at,
        run: () => {
          this.estimator.handleFeedback(report, 4, report.length, at);
          this.lowest = Math.min(this.lowest, this.estimator.estimatedBitrate);
        },
      });
    }
  }
}

const near = (got: number, wanted: number, share = 0.15) =>
  assert.ok(Math.abs(got - wanted) <= wanted * share, `${got}, not about ${wanted}`);

describe("the estimate of a path", () => {
  test("is infinite while it takes all that is sent", () => {
    const path = new Measured().run(20, { sent: 2_500_000, capacity: 5_000_000 });
    assert.equal(path.lowest, Number.POSITIVE_INFINITY);
    assert.equal(path.estimator.lossFraction, 0);
  });

  for (const capacity of [300_000, 1_000_000, 2_200_000]) {
    test(`is what arrives, when ${capacity} of 2.5 Mbit/s do`, () => {
      const path = new Measured().run(2, { sent: 2_500_000, capacity });
      near(path.estimator.estimatedBitrate, capacity);
      path.run(10, { sent: 2_500_000, capacity });
      near(path.estimator.estimatedBitrate, capacity);
    });
  }

  test("is found by loss where the bottleneck buffers nothing", () => {
    const options = { sent: 2_500_000, capacity: 1_000_000, bufferMillis: 10 };
    const path = new Measured().run(3, options);
    near(path.estimator.estimatedBitrate, 1_000_000);
    assert.ok(path.estimator.lossFraction > 0.5);
  });

  test("does not go down for loss by chance of 1 to 10 %", () => {
    for (const loss of [0.01, 0.05, 0.1]) {
      const path = new Measured().run(60, { sent: 2_500_000, loss });
      assert.equal(path.lowest, Number.POSITIVE_INFINITY, `${loss}`);
      near(path.estimator.lossFraction, loss, 0.6);
      assert.ok(path.estimator.lossFraction < CONGESTED_LOSS);
    }
  });

  test("does not go down for jitter, reordering, and a clock that is another", () => {
    const bad = {
      sent: 2_500_000,
      jitterMillis: 60,
      reordering: 0.05,
      loss: 0.02,
      delayMillis: 150,
    };
    const path = new Measured().run(30, { ...bad, skewMillis: 1e9 });
    assert.equal(path.lowest, Number.POSITIVE_INFINITY);
    assert.ok(path.estimator.lossFraction < 0.05, "late is not lost");
  });

  test("rises at once to what is delivered when the bottleneck widens", () => {
    const path = new Measured().run(5, { sent: 2_500_000, capacity: 1_000_000 });
    path.run(2, { sent: 2_500_000, capacity: 10_000_000 });
    assert.ok(path.estimator.estimatedBitrate > 2_300_000, `${path.estimator.estimatedBitrate}`);
  });

  test("grows by some 8 % a second when less is sent, and says nothing in the end", () => {
    const path = new Measured().run(5, { sent: 2_500_000, capacity: 1_000_000 });
    const before = path.estimator.estimatedBitrate;
    path.run(11, { sent: 500_000, capacity: 1_000_000 });
    // It waits until the congestion is over a while.
    const grown = path.estimator.estimatedBitrate / before;
    assert.ok(grown > 1.08 ** 6 && grown < 1.08 ** 11, `${grown}`);
    path.run(60, { sent: 500_000, capacity: 1_000_000 });
    assert.equal(path.estimator.estimatedBitrate, Number.POSITIVE_INFINITY);
  });

  test("grows more slowly on a path that was found narrow before", () => {
    const path = new Measured();
    for (let turn = 0; turn < 4; turn++) {
      path.run(3, { sent: 2_500_000, capacity: 1_000_000 });
      path.run(4, { sent: 500_000, capacity: 1_000_000 });
    }
    const before = path.estimator.estimatedBitrate;
    path.run(10, { sent: 500_000, capacity: 1_000_000 });
    assert.ok(path.estimator.estimatedBitrate < before * 1.25);
  });

  test("is bounded from below, and by REMB from above until the next one", () => {
    const path = new Measured().run(5, { sent: 500_000, capacity: 20_000 });
    assert.equal(path.estimator.estimatedBitrate, MIN_BITRATE);
    const { estimator } = new Measured();
    estimator.handleRemb(700_000);
    assert.equal(estimator.estimatedBitrate, 700_000);
    estimator.handleRemb(0);
    assert.equal(estimator.estimatedBitrate, MIN_BITRATE);
    estimator.handleRemb(2_000_000);
    assert.equal(estimator.estimatedBitrate, 2_000_000);
    estimator.restart();
    assert.equal(estimator.estimatedBitrate, Number.POSITIVE_INFINITY);
  });
});

test("without arrival times, loss and round trips in reports are all there is", () => {
  const estimator = new BandwidthEstimator();
  let now = 0;
  const report = (lost: number, roundTrip: number): number => {
    now += 1000;
    estimator.handleReport(lost, roundTrip, 2_000_000, now);
    return estimator.estimatedBitrate;
  };
  for (let i = 0; i < 20; i++) assert.equal(report(0.1, 80), Number.POSITIVE_INFINITY);
  report(0.5, 80);
  near(report(0.5, 80), 1_000_000, 0.3);
  const before = report(0, 80);
  assert.ok(report(0, 80) >= before);
  report(0, 500);
  assert.ok(report(0, 600) <= 0.9 * 2_000_000, "a queue of half a second");
});

test("feedback about what was not sent, twice or far back changes nothing, and never throws", () => {
  const estimator = new BandwidthEstimator();
  const random = new SeededRandom(1);
  const feedback = (base: number, deltas: (number | undefined)[]): void => {
    const bytes = encodeRtcp([
      {
        type: "twcc",
        senderSsrc: 1,
        mediaSsrc: 2,
        baseSequence: base & 0xffff,
        referenceTime: random.below(0x100_0000),
        feedbackCount: 0,
        deltas,
      },
    ]);
    estimator.handleFeedback(bytes, 4, bytes.length, 5000 + random.below(10));
  };
  feedback(5, [1, 2, 3]);
  for (let i = 0; i < 5000; i++) estimator.sent(0x1_0000 + i, 1, 1200, 1000 + i);
  feedback(1000, [0, 0, 0]);
  feedback(5000 - TRACKED_PACKETS - 10, [0, 0, 0]);
  feedback(6000, [0, 0, 0]);
  assert.equal(estimator.lossFraction, 0);
  for (let i = 0; i < 2000; i++) {
    feedback(random.below(0x1_0000), [random.below(300), undefined, -random.below(300)]);
    estimator.sent(0x1_0000 + 5000 + i, 1, 1200, 6000 + i);
  }
  assert.ok(estimator.estimatedBitrate >= MIN_BITRATE);
  assert.ok(estimator.lossFraction >= 0 && estimator.lossFraction <= 1);
});
