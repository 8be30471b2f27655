/** Everybody who watches in the table, all at once. @module */
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import type { Browser as Firefox, Page as FirefoxPage } from "puppeteer-core";
import type { ServerProcess } from "../../server_process.ts";
import { repository } from "../../tools.ts";
import { ffmpegSees } from "./ffmpeg_viewer.ts";
import { gstreamerSees } from "./gstreamer.ts";
import { type Watch, type WatchAll, watchInPage } from "./page.ts";
import type { Seen } from "./seen.ts";
import { type Cell, type ViewerName, WAYS_OUT } from "./table.ts";
import { webrtcbinSees } from "./webrtcbin.ts";

/** A page shows so many pictures, and has so long for it. */
export const PAGE_FRAMES = 30;
const PAGE_MILLIS = 60_000;
/** For programs: to play, and to fail where they are to. */
const LIMIT_MILLIS = 90_000;
const FAIL_MILLIS = 8000;

/** Pages that have the players. */
export interface Pages {
  readonly chromium: Page;
  readonly firefox: FirefoxPage;
}

export async function openPlayers(
  { chromium, firefox }: { chromium: Browser; firefox: Firefox },
  server: ServerProcess,
): Promise<Pages> {
  const pages = { chromium: await chromium.newPage(), firefox: await firefox.newPage() };
  for (const page of [pages.chromium, pages.firefox]) {
    await page.goto(`${server.url}/healthz`);
    for (const player of ["hls.js/dist/hls.min.js", "mpegts.js/dist/mpegts.js"])
      await page.addScriptTag({ path: join(repository, "node_modules", player) });
  }
  return pages;
}

export interface Servers {
  readonly server: ServerProcess;
  /** One whose HLS has segments of MPEG-TS; the same is published there. */
  readonly ts: ServerProcess;
}

/** Resolves to what each viewer saw; `cells` says what is waited for, by column. */
export async function watchAll(
  { chromium, firefox }: Pages,
  { server, ts }: Servers,
  stream: string,
  cells: readonly Cell[],
): Promise<Map<ViewerName, Seen>> {
  const inPage: [ViewerName, Watch][] = [];
  const inFirefox: [ViewerName, Watch][] = [];
  const others: [ViewerName, Promise<Seen>][] = [];
  for (const [i, { viewers }] of WAYS_OUT.entries()) {
    const cell = cells[i];
    if (cell === undefined) continue;
    const video = cell.video !== undefined;
    const audio = cell.audio !== undefined;
    for (const viewer of viewers) {
      if (viewer === "Recording by ffmpeg") continue; // when it is over
      const where = IN_PAGE[viewer];
      const from = viewer.startsWith("MPEG-TS") ? ts : server;
      const pages = viewer.endsWith("Firefox") ? inFirefox : inPage;
      if (where !== undefined) pages.push([viewer, { ...where(from, stream), video, audio }]);
      else others.push([viewer, sees(viewer, from, stream, cell)]);
    }
  }
  const wanted = (all: readonly [ViewerName, Watch][]): WatchAll => ({
    ways: all.map(([, way]) => way),
    frames: PAGE_FRAMES,
    millis: PAGE_MILLIS,
  });
  const seen = await Promise.all([
    chromium.evaluate(watchInPage, wanted(inPage)),
    firefox.evaluate(watchInPage, wanted(inFirefox)),
    Promise.all(others.map(([, seeing]) => seeing)),
  ]);
  const names = [...inPage, ...inFirefox, ...others].map(([viewer]) => viewer);
  return new Map(seen.flat().map((one, i) => [names[i] ?? "WHEP over TCP", one]));
}

type Where = Pick<Watch, "by" | "url" | "transport">;

const IN_PAGE: Partial<Record<ViewerName, (server: ServerProcess, stream: string) => Where>> = {
  "WHEP over TCP": (server, stream) => ({
    by: "whep",
    url: whep(server, stream),
    transport: "tcp",
  }),
  "WHEP over UDP": (server, stream) => ({
    by: "whep",
    url: whep(server, stream),
    transport: "udp",
  }),
  "HTTP-FLV by mpegts.js": ({ url }, stream) => ({
    by: "flv",
    url: `${url}/live/${stream}.flv`,
    transport: "tcp",
  }),
  "WS-FLV by mpegts.js": ({ url }, stream) => ({
    by: "flv",
    url: `${url.replace("http", "ws")}/live/${stream}.flv`,
    transport: "tcp",
  }),
  "HTTP-TS by mpegts.js": ({ url }, stream) => ({
    by: "ts",
    url: `${url}/live/${stream}.ts`,
    transport: "tcp",
  }),
  "LL-HLS by hls.js": hls,
  "MPEG-TS by hls.js": hls,
  "WHEP by Firefox": (server, stream) => ({
    by: "whep",
    url: whep(server, stream),
    transport: "tcp",
  }),
  "LL-HLS by Firefox": hls,
};

function hls({ url }: ServerProcess, stream: string): Where {
  return { by: "hls", url: `${url}/live/${stream}.m3u8`, transport: "tcp" };
}

function whep({ url }: ServerProcess, stream: string): string {
  return `${url}/rtc/v1/whep/?app=live&stream=${stream}`;
}

function sees(
  viewer: ViewerName,
  server: ServerProcess,
  stream: string,
  { video, audio }: Cell,
): Promise<Seen> {
  const { url, port } = server;
  const key = `live/${stream}`;
  const rtmp = `rtmp://127.0.0.1:${port}/${key}`;
  const picture = video !== undefined;
  const millis = picture || audio !== undefined ? LIMIT_MILLIS : FAIL_MILLIS;
  switch (viewer) {
    case "WHEP over TCP by GStreamer":
    case "WHEP over UDP by GStreamer": {
      const transport = viewer.includes("TCP") ? "tcp" : "udp";
      const kinds = (["video", "audio"] as const).filter((kind) => ({ video, audio })[kind]);
      return webrtcbinSees(whep(server, stream), transport, kinds, millis);
    }
    case "HTTP-FLV by ffmpeg":
      return ffmpegSees(`${url}/${key}.flv`, picture, millis);
    case "HTTP-TS by ffmpeg":
      return ffmpegSees(`${url}/${key}.ts`, picture, millis);
    case "RTMP by ffmpeg":
      return ffmpegSees(rtmp, picture, millis);
    case "RTMPS by ffmpeg":
      return ffmpegSees(rtmp.replace("rtmp", "rtmps"), picture, millis);
    case "HLS by ffmpeg":
    case "MPEG-TS by ffmpeg":
      return ffmpegSees(`${url}/${key}.m3u8`, picture, millis);
    default:
      return gstreamerSees(rtmp, picture, millis);
  }
}
