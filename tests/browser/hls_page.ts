/** hls.js in a page: what it plays, how far behind, and where it stalls. @module */
import { join } from "node:path";
import type HlsPlayer from "hls.js";
import type { Browser, Page } from "playwright-core";
import { repository } from "../tools.ts";

/** What the page found out. */
export interface Played {
  readonly joinMillis: number;
  /** From the time of day a frame was sent to the time it is shown, once settled; two a second. */
  readonly latencies: readonly number[];
  readonly stalls: readonly string[];
  readonly errors: readonly string[];
  readonly playedSeconds: number;
  readonly frames: number;
  readonly width: number;
}

/**
 * Plays live/demo of the server at `url` for `millis`, once there are three segments of it; or another
 * playlist at once.
 */
export async function playHls(
  browser: Browser,
  url: string,
  millis: number,
  other = "",
): Promise<Played> {
  if (other === "") await threeSegments(`${url}/live/demo/media.m3u8`);
  const page = await openPage(browser, `${url}/healthz`);
  try {
    const playlist = `${url}/${other || "live/demo.m3u8"}`;
    return await page.evaluate(playInPage, { url: playlist, millis });
  } finally {
    await page.close();
  }
}

/** A page of that origin which has hls.js. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  await page.addScriptTag({ path: join(repository, "node_modules/hls.js/dist/hls.min.js") });
  return page;
}

/** What a stream that is over looked like. */
export interface Ended {
  readonly errors: readonly string[];
  /** Widths of the pictures, as they changed. */
  readonly widths: readonly number[];
  readonly seconds: number;
}

/** Runs in the page: plays fast, since there is nothing to wait for. */
export async function playToTheEnd(url: string): Promise<Ended> {
  const { Hls } = globalThis as unknown as { Hls: typeof HlsPlayer };
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  const hls = new Hls({ enableWorker: false, startPosition: 0 });
  const errors: string[] = [];
  // That it waits for a busy machine is none.
  hls.on(
    Hls.Events.ERROR,
    (_: unknown, { details, fatal }: { details: string; fatal: boolean }) => {
      if (fatal) errors.push(details);
    },
  );
  const widths: number[] = [];
  video.addEventListener("resize", () => widths.push(video.videoWidth));
  hls.loadSource(url);
  hls.attachMedia(video);
  video.playbackRate = 4;
  void video.play();
  const begun = performance.now();
  while (!video.ended && performance.now() - begun < 60_000)
    await new Promise((wake) => setTimeout(wake, 20));
  const seconds = video.currentTime;
  hls.destroy();
  return { errors, widths, seconds };
}

/** The value that `share` (0 to 1) of them do not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function threeSegments(url: string): Promise<void> {
  for (let i = 0; i < 300; i++) {
    const text = await (await fetch(url)).text();
    if (text.split("#EXTINF").length > 3) return;
    await new Promise((wake) => setTimeout(wake, 200));
  }
  throw new Error("there are no three segments");
}

/** Runs in the page. */
async function playInPage({ url, millis }: { url: string; millis: number }): Promise<Played> {
  const { Hls } = globalThis as unknown as { Hls: typeof HlsPlayer };
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  // On a busy machine the clock of a sound that nobody hears falls behind.
  const hls = new Hls({ enableWorker: false, maxLiveSyncPlaybackRate: 1.2 });
  const errors: string[] = [];
  let dead = false;
  hls.on(
    Hls.Events.ERROR,
    (_: unknown, data: { details: string; fatal: boolean; error?: { message: string } }) => {
      dead ||= data.fatal;
      const why = data.fatal ? ` (fatal: ${data.error?.message} ${video.error?.message})` : "";
      errors.push(`${data.details}${why}`);
    },
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
  for (const until = performance.now() + millis; performance.now() < until && !dead; ) {
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
