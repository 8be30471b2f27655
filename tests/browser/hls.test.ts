/** hls.js in Chromium plays the demo stream with low latency. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { type ServerProcess, startServer } from "../server_process.ts";
import { launchChromium } from "./chromium.ts";
import { playHls, quantile } from "./hls_page.ts";

const PLAY_MILLIS = 30_000;

describe("HLS played by hls.js", () => {
  let server: ServerProcess;
  let browser: Browser;
  before(async () => {
    [server, browser] = await Promise.all([startServer(), launchChromium()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("joins within 2 s, stays within 2.5 s, and does not stall", async (t) => {
    const played = await playHls(browser, server.url, PLAY_MILLIS);
    t.diagnostic(JSON.stringify({ ...played, latencies: played.latencies.slice(-3) }));
    assert.deepEqual(played.errors, []);
    assert.deepEqual(played.stalls, []);
    assert.equal(played.width, 640);
    assert.ok(played.joinMillis < 2000, `joined after ${played.joinMillis} ms`);
    assert.ok(played.playedSeconds > PLAY_MILLIS / 1000 - 2, `${played.playedSeconds} s played`);
    const usual = quantile(played.latencies, 0.5);
    assert.ok(usual > 0 && usual <= 2500, `${usual} ms behind`);
  });
});
