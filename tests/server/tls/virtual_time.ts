/** A server whose wall clock a test sets forward, and what it logs. @module */
import type { Runtime } from "../../../core/base/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";

const CUT_MILLIS = 30;

export interface VirtualTime {
  readonly runtime: Runtime;
  /** Lines of the log so far. */
  readonly lines: string[];
  /** Sets the wall clock forward. */
  forward(millis: number): void;
}

/** Sleeps longer than `longMillis` are cut, so that who sleeps looks at the clock again. */
export async function virtualTime(longMillis = 1_800_000): Promise<VirtualTime> {
  const own = await loadRuntime();
  const lines: string[] = [];
  let ahead = 0;
  return {
    lines,
    forward: (millis) => {
      ahead += millis;
    },
    runtime: {
      ...own,
      wallClock: () => own.wallClock() + ahead,
      wakeAt: (at, fire) => {
        const now = own.now();
        return own.wakeAt(at - now > longMillis ? now + CUT_MILLIS : at, fire);
      },
      print: (line) => void lines.push(line),
    },
  };
}
