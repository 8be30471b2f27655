/** hls.js in Chromium plays the demo stream with low latency. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { type ServerProcess, startServer } from "../server_process.ts";
import { repository } from "../tools.ts";
import { launchChromium } from "./chromium.ts";

const PLAY_MILLIS = 30_000;

/** What the page found out. */
interface Played {
  readonly joinMillis: number;
  /** From the time of day a frame was sent to the time it is shown, once settled. */
  readonly latencies: readonly number[];
  readonly stalls: readonly string[];
  readonly errors: readonly string[];
  readonly playedSeconds: number;
  readonly frames: number;
  readonly width: number;
}

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
    const url = `${server.url}/live/demo.m3u8`;
    await threeSegments(`${server.url}/live/demo/media.m3u8`);
    const page = await browser.newPage();
    t.after(() => page.close());
    await page.goto(`${server.url}/healthz`);
    await page.addScriptTag({ path: join(repository, "node_modules/hls.js/dist/hls.min.js") });
    const played = await page.evaluate(playInPage, { url, millis: PLAY_MILLIS });
    t.diagnostic(JSON.stringify({ ...played, latencies: played.latencies.slice(-3) }));
    assert.deepEqual(played.errors, []);
    assert.deepEqual(played.stalls, []);
    assert.equal(played.width, 640);
    assert.ok(played.joinMillis < 2000, `joined after ${played.joinMillis} ms`);
    assert.ok(played.playedSeconds > PLAY_MILLIS / 1000 - 2, `${played.playedSeconds} s played`);
    const usual = [...played.latencies].sort((a, b) => a - b)[played.latencies.length >> 1] ?? 0;
    assert.ok(usual > 0 && usual <= 2500, `${usual} ms behind`);
  });
});

async function threeSegments(url: string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const text = await (await fetch(url)).text();
    if (text.split("#EXTINF").length > 3) return;
    await new Promise((wake) => setTimeout(wake, 200));
  }
  throw new Error("there are no three segments");
}

/** Runs in the page. */
async function playInPage({ url, millis }: { url: string; millis: number }): Promise<Played> {
  // biome-ignore lint/suspicious/noExplicitAny: hls.js, which the page has as a global
  const { Hls } = globalThis as any;
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  // On a busy machine the clock of a sound that nobody hears falls behind.
  const hls = new Hls({ enableWorker: false, maxLiveSyncPlaybackRate: 1.2 });
  const errors: string[] = [];
  hls.on(Hls.Events.ERROR, (_: unknown, { details, fatal }: { details: string; fatal: boolean }) =>
    errors.push(`${details}${fatal ? " (fatal)" : ""}`),
  );
  const begun = performance.now();
  hls.loadSource(url);
  hls.attachMedia(video);
  void video.play();
  const stalls: string[] = [];
  while (video.currentTime === 0 || video.paused || video.readyState < 3) {
    if (performance.now() - begun > 15_000) break;
    await new Promise((wake) => setTimeout(wake, 20));
  }
  const start = video.currentTime;
  while (video.currentTime === start && performance.now() - begun < 15_000)
    await new Promise((wake) => setTimeout(wake, 20));
  const joinMillis = Math.round(performance.now() - begun);
  video.addEventListener("waiting", () => stalls.push(`at ${video.currentTime.toFixed(2)} s`));
  // On a busy machine hls.js may reach into the buffer itself, before it has sought its start.
  const join = errors.splice(0).filter((error) => error !== "bufferSeekOverHole");
  const first = video.currentTime;
  const latencies: number[] = [];
  for (const until = performance.now() + millis; performance.now() < until; ) {
    await new Promise((wake) => setTimeout(wake, 500));
    latencies.push(Math.round(Date.now() - (hls.playingDate?.getTime() ?? 0)));
  }
  const playedSeconds = video.currentTime - first;
  const frames = video.getVideoPlaybackQuality().totalVideoFrames;
  const width = video.videoWidth;
  hls.destroy();
  const settled = latencies.slice(Math.floor(latencies.length / 3));
  return {
    joinMillis,
    latencies: settled,
    stalls,
    errors: [...join, ...errors],
    playedSeconds,
    frames,
    width,
  };
}
