import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { History } from "../../../core/stream/history.ts";
import { DEFAULT_LIMITS } from "../../../core/stream/options.ts";
import type { StreamPacket } from "../../../core/stream/packet.ts";
import { RateMeter } from "../../../core/stream/rate_meter.ts";
import { SequenceMap } from "../../../core/stream/sequence_map.ts";
import { Track } from "../../../core/stream/track.ts";

function packet(index: number, size: number, receivedAt: number): StreamPacket {
  return { index, receivedAt, bytes: new Uint8Array(size) } as StreamPacket;
}

test("the history is bounded in packets, bytes and age, whatever order packets come in", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: -40, max: 90 }), fc.nat(500), fc.nat(60)), {
        minLength: 50,
        maxLength: 300,
        size: "max",
      }),
      (steps) => {
        const history = new History(64, 8000, 1000);
        const held = new Map<number, StreamPacket>();
        let newest = 70_000;
        let now = 0;
        for (const [step, size, passed] of steps) {
          now += passed;
          const index = Math.max(0, newest + step);
          if (history.isPast(index) || history.get(index) !== undefined) continue;
          const one = packet(index, size, now);
          history.put(one);
          held.set(index, one);
          newest = Math.max(newest, index);
          let bytes = 0;
          let count = 0;
          for (const [at, kept] of held) {
            if (history.get(at) !== kept) continue;
            bytes += kept.bytes.length;
            count++;
          }
          assert.equal(history.bytes, bytes);
          assert.ok(count <= 64 && bytes <= 8000, `${count} packets, ${bytes} bytes`);
        }
        history.trim(now + 1001);
        assert.equal(history.bytes, 0);
      },
    ),
    { seed: 7, numRuns: 100 },
  );
});

test("the history holds the newest that fit", () => {
  const history = new History(8, 1000, 1000);
  for (let i = 0; i < 20; i++) history.put(packet(i, 10, i));
  assert.deepEqual(
    [11, 12, 19, 20].map((i) => history.get(i)?.index),
    [undefined, 12, 19, undefined],
  );
  history.put(packet(20, 960, 20));
  assert.deepEqual(
    [15, 16, 19, 20].map((i) => history.get(i)?.index),
    [undefined, 16, 19, 20],
  );
  history.put(packet(1_000_000, 10, 1500));
  assert.equal(history.bytes, 10);
});

const TRACK = new Track("video", DEFAULT_LIMITS);

function toTrack(map: SequenceMap, viewers: number): number {
  return viewers - (map.find(viewers)?.offset ?? Number.NaN);
}

test("runs lie one behind the other for the viewer, and each number leads back", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 50 })), { maxLength: 14 }),
      fc.nat(70_000),
      (runs, first) => {
        const map = new SequenceMap(first);
        let index = 1000;
        let out = first;
        const sent: [number, number][] = [];
        for (const [gap, length] of runs) {
          index += gap;
          const offset = map.open(TRACK, index, 0);
          assert.equal(map.from, index);
          for (let i = 0; i < length; i++) sent.push([index + i + offset, index + i]);
          index += length;
          out += length;
          map.close(index);
          assert.equal(map.from, Number.POSITIVE_INFINITY);
        }
        assert.deepEqual(
          sent.map(([viewers]) => viewers),
          Array.from({ length: out - first }, (_, i) => first + i),
        );
        for (const [viewers, tracks] of sent) assert.equal(toTrack(map, viewers), tracks);
        assert.equal(map.find(out), undefined);
        assert.equal(map.find(first - 1), undefined);
      },
    ),
    { seed: 8, numRuns: 200 },
  );
});

test("the list of runs is bounded; what is forgotten is told as never sent", () => {
  const map = new SequenceMap(0);
  for (let i = 0; i < 1000; i++) {
    map.open(TRACK, i * 10, 0);
    map.close(i * 10 + 1);
  }
  assert.equal(toTrack(map, 999), 9990);
  assert.equal(toTrack(map, 984), 9840);
  assert.equal(map.find(983), undefined);
});

test("a rate is taken over the last 30 seconds, or since there was anything", () => {
  const meter = new RateMeter();
  assert.equal(meter.perSecond(5000), 0);
  for (let now = 100_000; now < 110_000; now += 10) meter.add(10, now);
  assert.ok(Math.abs(meter.perSecond(110_000) - 1000) < 10);
  for (let now = 110_000; now < 150_000; now += 10) meter.add(20, now);
  assert.ok(Math.abs(meter.perSecond(150_000) - 2000) < 20);
  assert.ok(Math.abs(meter.perSecond(150_500, 5) - 1818) < 20, "half a second of silence");
  assert.ok(Math.abs(meter.perSecond(165_000) - 1000) < 40, "half of the window");
  assert.equal(meter.perSecond(200_000), 0);
});
