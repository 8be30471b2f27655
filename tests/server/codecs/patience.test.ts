import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { FLYING_MAX, PATIENT_MILLIS } from "../../../server/codecs/lane.ts";
import type { FromThread, ToThread } from "../../../server/codecs/messages.ts";
import { Transcoders, type Transcoding } from "../../../server/codecs/mod.ts";
import { Log } from "../../../server/log.ts";
import { serverMetrics } from "../../../server/metrics.ts";

const FROM = {
  codec: "opus",
  configuration: new Uint8Array(0),
  sampleRate: 48_000,
  channels: 2,
} as const;
const OPTIONS = { from: FROM, to: "aac", bitrate: 128_000 } as const;

/** A thread and a clock by hand. */
class Hand {
  now = 1000;
  /** Of each message packets and the time. */
  readonly sent: [at: number, id: number, packets: number][] = [];
  #timers: { readonly at: number; readonly fire: () => void }[] = [];
  readonly transcoders: Transcoders;
  #tell: (message: FromThread) => void = () => {};

  constructor(t: TestContext) {
    this.transcoders = new Transcoders({
      runtime: {
        now: () => this.now,
        startThread: (_, { message }) => {
          this.#tell = message;
          return { post: (one) => this.#take(one as ToThread), close: () => {} };
        },
        wakeAt: (at, fire) => {
          const timer = { at, fire };
          this.#timers.push(timer);
          return { [Symbol.dispose]: () => void this.#drop(timer) };
        },
      },
      log: new Log({ wallClock: () => 0, print: () => {} }, "info"),
      metrics: serverMetrics(),
      max: 10,
    });
    t.after(() => this.transcoders.close());
  }

  open(patient: boolean): Transcoding {
    const sink = { handleFormat: () => {}, handlePacket: () => {} };
    const one = this.transcoders.open(OPTIONS, sink);
    assert.ok(one);
    one.setPatience(patient);
    return one;
  }

  /** A packet of each every 20 ms. */
  play(millis: number, ...all: readonly Transcoding[]): void {
    for (const until = this.now + millis; this.now < until; this.wait(20)) {
      for (const one of all) one.put(new Uint8Array(3), this.now);
    }
  }

  wait(millis: number): void {
    const until = this.now + millis;
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > until) break;
      this.#drop(next);
      this.now = Math.max(this.now, next.at);
      next.fire();
    }
    this.now = until;
  }

  done(id: number, taken: number): void {
    const packets = { data: new Uint8Array(0), sizes: [], times: [] };
    this.#tell({ kind: "done", id, taken, bad: 0, packets: packets as never });
  }

  #drop(timer: { readonly at: number; readonly fire: () => void }): void {
    this.#timers = this.#timers.filter((one) => one !== timer);
  }

  #take(message: ToThread): void {
    if (message.kind !== "put") return;
    const { id, packets } = message;
    this.sent.push([this.now, id, packets.sizes.length]);
    queueMicrotask(() => this.done(id, packets.sizes.length));
  }
}

/** Times at which a track's packets went to the thread. */
function timesOf(hand: Hand, id: number): number[] {
  return [...new Set(hand.sent.filter(([, of]) => of === id).map(([at]) => at))];
}

test("what goes into files alone is gathered for half a second, beside a track that is not", async (t) => {
  const hand = new Hand(t);
  const patient = hand.open(true);
  hand.wait(30);
  const hurried = hand.open(false);
  hand.wait(30);
  for (let i = 0; i < 20; i++) {
    hand.play(100, patient, hurried);
    await Promise.resolve();
  }
  const rare = timesOf(hand, 0);
  assert.ok(rare.length >= 3 && rare.length <= 4, `${rare}`);
  for (const [i, at] of rare.entries()) {
    if (i > 0) assert.ok(at - (rare[i - 1] ?? 0) >= PATIENT_MILLIS, `${rare}`);
  }
  assert.ok(timesOf(hand, 1).length >= 20);
  assert.ok(
    hand.sent.every(([, , packets]) => packets <= 16),
    "others have their turn in between",
  );
});

test("who does not wait any more gets what is gathered at once", (t) => {
  const hand = new Hand(t);
  const one = hand.open(true);
  hand.wait(30);
  hand.play(200, one);
  assert.deepEqual(hand.sent, []);
  one.setPatience(false);
  assert.deepEqual(hand.sent, [[1230, 0, 10]]);
  hand.play(60, one);
  assert.equal(hand.sent.length, 2);
});

test("what comes all at once does not wait for the time", (t) => {
  const hand = new Hand(t);
  const one = hand.open(true);
  hand.wait(30);
  for (let i = 0; i < FLYING_MAX; i++) one.put(new Uint8Array(3), i);
  assert.equal(
    hand.sent.reduce((sum, [, , packets]) => sum + packets, 0),
    FLYING_MAX,
  );
});
