import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PublisherClock } from "../../../../core/session/rtmp/mod.ts";

const WALL = 1_700_000_000_000;

test("times begin with the wall clock, and go on by the publisher's", () => {
  const clock = new PublisherClock();
  assert.equal(clock.at("video", 5000, WALL), WALL);
  assert.equal(clock.at("audio", 5010, WALL + 2), WALL + 10);
  // Late, early, in bursts: his times count.
  assert.equal(clock.at("video", 5040, WALL + 900), WALL + 40);
  assert.equal(clock.at("video", 5080, WALL + 901), WALL + 80);
  assert.equal(clock.at("audio", 5030, WALL + 902), WALL + 30);
});

test("times begin no earlier than what went before", () => {
  const clock = new PublisherClock(WALL + 700);
  assert.equal(clock.at("video", 5000, WALL), WALL + 700);
  assert.equal(clock.at("video", 5040, WALL + 40), WALL + 740);
  assert.equal(new PublisherClock(WALL - 700).at("video", 5000, WALL), WALL);
});

test("32 bits wrap (RTMP 1.0 §5.3.1), for both tracks at their own message", () => {
  const clock = new PublisherClock();
  const start = 2 ** 32 - 100;
  for (let i = 0; i < 10; i++) {
    for (const kind of ["audio", "video"] as const) {
      // They come in a burst, so that a jump would show.
      assert.equal(clock.at(kind, (start + i * 40) % 2 ** 32, WALL), WALL + i * 40);
    }
  }
});

for (const [way, by] of [
  ["forward", 3_600_000],
  ["back", -3_600_000],
  ["to 0", -7_200_000],
] as const) {
  test(`a clock that jumps ${way} goes on where it was, sound and picture in step`, () => {
    const clock = new PublisherClock();
    const start = 7_200_000;
    const step = (i: number, kind: "audio" | "video", jumped: boolean): number =>
      clock.at(kind, start + i * 40 + (jumped ? by : 0), WALL + i * 40) - WALL;
    for (let i = 0; i < 50; i++) {
      assert.equal(step(i, "video", false), i * 40);
      assert.equal(step(i, "audio", false), i * 40);
    }
    // Sound jumps five messages after the picture.
    for (let i = 50; i < 100; i++) {
      assert.equal(step(i, "video", true), i * 40);
      assert.equal(step(i, "audio", i >= 55), i * 40);
    }
  });
}

test("sound and picture stay in step though the message that jumps is late", () => {
  const clock = new PublisherClock();
  for (let i = 0; i < 10; i++) {
    clock.at("video", i * 40, WALL + i * 40);
    clock.at("audio", i * 40, WALL + i * 40);
  }
  const picture = clock.at("video", 900_400, WALL + 700);
  assert.equal(clock.at("audio", 900_400, WALL + 400), picture);
  assert.equal(clock.at("audio", 900_440, WALL + 440), picture + 40);
});

test("a track that was silent, and one that comes late, are no jump", () => {
  const clock = new PublisherClock();
  clock.at("video", 0, WALL);
  for (let i = 1; i <= 1500; i++) clock.at("video", i * 40, WALL + i * 40);
  assert.equal(clock.at("audio", 60_000, WALL + 60_000), WALL + 60_000);
  for (let i = 1501; i <= 3000; i++) clock.at("video", i * 40, WALL + i * 40);
  assert.equal(clock.at("audio", 120_000, WALL + 120_000), WALL + 120_000);
});

test("a file that is sent faster than it plays keeps its times", () => {
  const clock = new PublisherClock();
  for (let i = 0; i < 1000; i++) {
    // A picture each 10 s, as slides have them, and sound each 20 ms.
    assert.equal(clock.at("video", i * 10_000, WALL + i), WALL + i * 10_000);
    for (let k = 0; k < 500; k++) {
      assert.equal(clock.at("audio", i * 10_000 + k * 20, WALL + i), WALL + i * 10_000 + k * 20);
    }
  }
});

test("whatever comes, times are whole ms, and neither run away from the clock nor from each other by a jump", () => {
  const kind = fc.constantFrom("audio" as const, "video" as const);
  const message = fc.tuple(kind, fc.nat({ max: 2 ** 32 - 1 }), fc.nat({ max: 100 }));
  fc.assert(
    fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
      const clock = new PublisherClock();
      let wall = WALL;
      for (const [track, timestamp, passed] of messages) {
        wall += passed;
        const at = clock.at(track, timestamp, wall);
        assert.ok(Number.isSafeInteger(at));
        assert.ok(Math.abs(at - wall) <= messages.length * 5000 + 6000, `${at - wall}`);
      }
    }),
    { seed: 4, numRuns: 500 },
  );
});
