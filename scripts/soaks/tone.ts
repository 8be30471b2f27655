/** A tone through both transcodings, over WebRTC between two servers. @module */

import {
  type ToneFigures,
  tellTone,
  toneFaults,
  toneThroughServers,
} from "../../tests/interop/tone_chain.ts";
import type { Runtime } from "../../tests/runtimes.ts";

/** Resolves to whether it held. */
export async function soakTone(minutes: number, runtime: Runtime): Promise<boolean> {
  const figures: ToneFigures = await toneThroughServers(minutes * 60_000, runtime);
  console.log(tellTone(figures));
  const faults = toneFaults(figures, minutes * 60_000);
  for (const fault of faults) console.log(fault);
  return faults.length === 0;
}
