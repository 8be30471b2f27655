import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  REPLAY_WINDOW,
  ReplayWindow,
} from "../../../../../core/session/webrtc/dtls/replay_window.ts";

test("the window agrees with a set of all that was accepted (RFC 6347 §4.1.2.6)", () => {
  const jumps = fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: -70, max: 40 }) },
      { weight: 1, arbitrary: fc.integer({ min: -200, max: 200 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(31, 32, 33, 63, 64, 65, -31, -32, -63, -64, 2 ** 33),
      },
    ),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(fc.constantFrom(0, 5, 2 ** 32 - 40, 2 ** 47), jumps, (start, steps) => {
      const window = new ReplayWindow();
      const seen = new Set<number>();
      let top = -1;
      let at = start;
      for (const step of steps) {
        at = Math.min(Math.max(0, at + step), 2 ** 48 - 1);
        const fresh = !seen.has(at) && (top < 0 || at > top - REPLAY_WINDOW);
        assert.equal(window.isFresh(at), fresh, `${at} after ${top}`);
        if (!fresh) continue;
        window.accept(at);
        seen.add(at);
        top = Math.max(top, at);
      }
    }),
    { seed: 11, numRuns: 400 },
  );
});
