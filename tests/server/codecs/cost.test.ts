import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { codecs, encoded, RATE, tone } from "./tone.ts";

const SECONDS = 3;

/** Noise, of which no frame has few bits. */
function noise(): Float32Array {
  const samples = new Float32Array(RATE * SECONDS * 2);
  let value = 1;
  for (let i = 0; i < samples.length; i++) {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
    samples[i] = (value / 2 ** 31) * 0.3;
  }
  return samples;
}

test("a tone to AAC costs no more than noise: no frame is encoded again for having few bits", async () => {
  const module = await codecs();
  const inputs = [noise(), tone(440, RATE * SECONDS)];
  // Of this process alone, so that what else runs does not count; the best of some, in turn.
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 5; round++) {
    for (const [i, samples] of inputs.entries()) {
      const before = process.cpuUsage();
      encoded(module, "aac", samples);
      const { user, system } = process.cpuUsage(before);
      best[i] = Math.min(best[i]!, user + system);
    }
  }
  const [hard, easy] = best;
  assert.ok(easy! < hard! * 2.5, `${easy! / 1000} ms of a tone, ${hard! / 1000} of noise`);
});
