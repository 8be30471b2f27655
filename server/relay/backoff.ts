/** How long to wait before the next attempt. @module */
import type { Millis } from "../../core/base/mod.ts";

export const FIRST_WAIT_MILLIS: Millis = 1000;
export const LONGEST_WAIT_MILLIS: Millis = 30_000;
/** A session that lasted so long makes the waits short again. */
export const STABLE_MILLIS: Millis = 10_000;

/**
 * 1 s after the first failure in a row, twice as long after each further one, 30 s at most, and
 * between half and all of that: servers that fall together shall not come back together. `random`
 * is in [0, 1).
 */
export function waitMillis(failures: number, random: number): Millis {
  const doubled = FIRST_WAIT_MILLIS * 2 ** Math.min(Math.max(failures, 1) - 1, 16);
  return Math.min(doubled, LONGEST_WAIT_MILLIS) * (0.5 + random / 2);
}
