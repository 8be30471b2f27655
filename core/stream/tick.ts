import type { Millis } from "../base/mod.ts";

/** Streams look after reports, waiting viewers and stalled ones so often, all at the same times. */
const TICK_MILLIS = 100;

export function nextTick(now: Millis): Millis {
  return (Math.floor(now / TICK_MILLIS) + 1) * TICK_MILLIS;
}
