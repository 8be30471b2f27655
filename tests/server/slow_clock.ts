/** A runtime whose clock goes slowly, so that a second's worth of a rate does not come while a slow machine asks. @module */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import { loadRuntime } from "../../runtime/mod.ts";

export interface SlowClock {
  readonly runtime: Runtime;
  /** Sets it forward. */
  forward(millis: Millis): void;
}

/** A second of it takes so many of ours. */
const SLOW = 20;

export async function slowClock(): Promise<SlowClock> {
  const real = await loadRuntime();
  const begun = real.now();
  let ahead = 0;
  const now = (): Millis => begun + (real.now() - begun) / SLOW + ahead;
  const wakeAt: Runtime["wakeAt"] = (at, fire) =>
    real.wakeAt(real.now() + (at - now()) * SLOW, fire);
  return {
    runtime: { ...real, now, wakeAt },
    forward: (millis) => {
      ahead += millis;
    },
  };
}
