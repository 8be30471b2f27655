import assert from "node:assert/strict";
import { test } from "node:test";
import { opusDuration } from "../../../core/media/opus/mod.ts";

const duration = (...bytes: number[]): number =>
  opusDuration(Uint8Array.from(bytes), 0, bytes.length);

test("RFC 6716 §3.1: frame sizes by configuration", () => {
  const expected = [
    ...[480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880],
    ...[480, 960, 480, 960],
    ...[120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960],
  ];
  for (const [config, ticks] of expected.entries()) assert.equal(duration(config << 3), ticks);
});

test("RFC 6716 §3.2: one frame, two, or a count; 120 ms at most", () => {
  assert.equal(duration((31 << 3) | 1), 1920);
  assert.equal(duration((31 << 3) | 2), 1920);
  assert.equal(duration((31 << 3) | 3, 0x86), 5760);
  assert.equal(duration((31 << 3) | 3, 7), 0);
  assert.equal(duration((31 << 3) | 3, 0), 0);
  assert.equal(duration((31 << 3) | 3), 0);
  assert.equal(duration(), 0);
});
