/** The settings of how the program ends. @module */
import { milliseconds, type Setting, seconds, setting } from "./types.ts";

export interface DrainConfig {
  /** What running sessions get after SIGTERM before they are ended, in ms. */
  readonly "drain.grace": number;
  /** Least time from SIGTERM to the end: balancers look now and then. */
  readonly grace_start_wait: number;
  /** Most time the last bytes get to leave. */
  readonly grace_final_wait: number;
}

type DrainSettings = { readonly [Key in keyof DrainConfig]: Setting<DrainConfig[Key]> };

export const drainSettings: DrainSettings = {
  "drain.grace": setting(seconds(0, 86_400), "20", "seconds sessions go on after SIGTERM"),
  grace_start_wait: setting(
    milliseconds(0, 600_000),
    "2300",
    "ms after SIGTERM in which connections are taken at least",
  ),
  grace_final_wait: setting(
    milliseconds(0, 60_000),
    "3200",
    "ms at most for the last bytes of a connection",
  ),
};
