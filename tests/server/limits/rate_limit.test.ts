import assert from "node:assert/strict";
import { test } from "node:test";
import { RateLimit } from "../../../server/limits/rate_limit.ts";

test("a burst passes, then as many per second as are allowed", () => {
  const limit = new RateLimit({ perSecond: 10, burst: 3 });
  assert.deepEqual(
    [0, 0, 0].map((now) => limit.take("a", now)),
    [0, 0, 0],
  );
  assert.equal(limit.take("a", 0), 100);
  assert.equal(limit.take("a", 50), 50);
  assert.equal(limit.take("a", 100), 0);
  assert.equal(limit.take("a", 100), 100);
  let passed = 0;
  for (let now = 200; now < 10_200; now += 10) if (limit.take("a", now) === 0) passed++;
  assert.ok(passed >= 98 && passed <= 101, `${passed} in 10 s`);
});

test("a rest fills the bucket, and no further", () => {
  const limit = new RateLimit({ perSecond: 10 });
  for (let i = 0; i < 40; i++) assert.equal(limit.take("a", 0), 0);
  assert.notEqual(limit.take("a", 0), 0);
  let passed = 0;
  for (let i = 0; i < 100; i++) if (limit.take("a", 3_600_000) === 0) passed++;
  assert.equal(passed, 40);
});

test("addresses do not touch each other, and the table keeps its bound", () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1, addresses: 100 });
  assert.equal(limit.take("one", 0), 0);
  assert.notEqual(limit.take("one", 0), 0);
  for (let i = 0; i < 1000; i++) assert.equal(limit.take(`other ${i}`, 0), 0);
  assert.equal(limit.addresses, 100);
});

test("who keeps asking is not forgotten for newcomers", () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1, addresses: 10 });
  limit.take("loud", 0);
  for (let i = 0; i < 100; i++) {
    limit.take(`new ${i}`, 0);
    assert.notEqual(limit.take("loud", 0), 0);
  }
});
