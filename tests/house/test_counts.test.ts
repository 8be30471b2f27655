import assert from "node:assert/strict";
import { test } from "node:test";
import { readCounts } from "../../scripts/test_counts.ts";

test("the summaries of the runners are read", () => {
  const node = "ℹ tests 4\nℹ suites 0\nℹ pass 3\nℹ fail 1\nℹ cancelled 0\nℹ skipped 0\nℹ todo 0\n";
  assert.deepEqual(readCounts("node", node, 1), { passed: 3, failed: 1, skipped: 0 });
  const deno =
    "\u001b[31mFAILED\u001b[0m | 2 passed (1 step) | 1 failed \u001b[38m(16ms)\u001b[0m\n";
  assert.deepEqual(readCounts("deno", deno, 1), { passed: 3, failed: 1, skipped: 0 });
  assert.deepEqual(readCounts("deno", "ok | 6 passed (3 steps) | 0 failed (1s)\n", 0), {
    passed: 9,
    failed: 0,
    skipped: 0,
  });
  assert.deepEqual(readCounts("bun", "\n 2 pass\n 1 fail\nRan 3 tests\n", 1), {
    passed: 2,
    failed: 1,
    skipped: 0,
  });
  assert.deepEqual(readCounts("command", "", 0), { passed: 1, failed: 0, skipped: 0 });
});

test("a crash and a file without tests count as failures, a skipped test as nothing", () => {
  assert.deepEqual(readCounts("node", "ℹ pass 3\nℹ fail 0\nℹ skipped 1\n", 0), {
    passed: 3,
    failed: 0,
    skipped: 1,
  });
  assert.deepEqual(readCounts("deno", "ok | 1 passed | 0 failed | 2 ignored (1ms)\n", 0), {
    passed: 1,
    failed: 0,
    skipped: 2,
  });
  assert.deepEqual(readCounts("node", "ℹ pass 3\nℹ fail 0\n", null), {
    passed: 3,
    failed: 1,
    skipped: 0,
  });
  assert.deepEqual(readCounts("bun", "", 0), { passed: 0, failed: 1, skipped: 0 });
  assert.deepEqual(readCounts("command", "", 2), { passed: 0, failed: 1, skipped: 0 });
});
