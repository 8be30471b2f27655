import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../sim/random.ts";
import { World } from "./fixture.ts";
import { Path, run, viewIn } from "./slow_path.ts";

/** Of RFC 3550 §6.3.1, one in `early` of them before its time (RFC 4585 §3.5). */
function rareReports(seed: number, early: number): () => number {
  const random = new SeededRandom(seed);
  return () => (random.chance(early) ? 200 : (5000 * (0.5 + random.next())) / (Math.E - 1.5));
}

test("receiver reports as rare as RFC 3550 has them are not taken for a slow viewer", () => {
  for (const early of [0, 0.3]) {
    for (let seed = 1; seed <= 5; seed++) {
      const where = new World();
      const source = where.publish();
      const viewer = viewIn(where);
      const path = new Path(viewer, 2000, 20, rareReports(seed, early), false);
      run(where, source, [path], 40, 2_000_000);
      assert.equal(viewer.subscriber.gate.falls, 0, `seed ${seed}, early ${early}`);
    }
  }
});

test("a viewer with rare receiver reports who stalls is behind when the next one must have come", () => {
  const where = new World();
  const source = where.publish();
  const viewer = viewIn(where);
  const path = new Path(viewer, 2000, 20, rareReports(1, 0), false);
  run(where, source, [path], 20, 2_000_000);
  path.stall();
  run(where, source, [path], 7.5, 2_000_000);
  assert.equal(viewer.subscriber.state("video"), "behind");
});
