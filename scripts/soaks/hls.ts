/** hls.js in Chromium plays the demo stream with low latency, without a stall. @module */

import { launchChromium } from "../../tests/browser/chromium.ts";
import { playHls, quantile } from "../../tests/browser/hls_page.ts";
import type { Runtime } from "../../tests/runtimes.ts";
import { startServer } from "../../tests/server_process.ts";

const latencyMax = 2500;

/** Resolves to whether it held. */
export async function soakHls(minutes: number, runtime: Runtime): Promise<boolean> {
  const server = await startServer({ runtime });
  const browser = await launchChromium();
  try {
    const millis = minutes * 60_000;
    const played = await playHls(browser, server.url, millis);
    const { latencies, stalls, errors } = played;
    const [half, most, all] = [0.5, 0.99, 1].map((share) => quantile(latencies, share));
    console.log(
      `joined in ${played.joinMillis} ms, played ${played.playedSeconds.toFixed(1)} s, ` +
        `${played.frames} frames; behind by ${half} ms (median), ${most} ms (99 %), ${all} ms (most)`,
    );
    console.log(`stalls: ${stalls.join(", ") || "none"}; errors: ${errors.join(", ") || "none"}`);
    return (
      stalls.length === 0 &&
      played.playedSeconds > millis / 1000 - 3 &&
      most !== undefined &&
      most > 0 &&
      most <= latencyMax
    );
  } finally {
    await browser.close();
    await server.stop();
  }
}
