/**
 * The pages that play FLV and HLS, and the one that chooses, in Chromium. What they play is made by
 * ffmpeg and served by a stand-in, so that the pages are judged by a stranger's streams; then by Monoport's own.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { assets, packedAssets } from "../../server/assets.gen.ts";
import { pageRoutes } from "../../server/routes/pages.ts";
import { launchChromium } from "../chromium.ts";
import { until } from "../server/rtc/client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";

const pages = pageRoutes(assets, packedAssets);
const folder = mkdtempSync(join(tmpdir(), "monoport-"));
const children = new Set<ChildProcess>();
/** What the stand-in refuses. */
const off = new Set<"hls" | "flv">();
let server: Server;
let url = "";
let monoport: ServerProcess;
let browser: Browser;

const source = [
  ...["-hide_banner", "-loglevel", "error", "-re"],
  ...["-f", "lavfi", "-i", "testsrc=size=320x180:rate=25"],
  ...["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "600"],
  ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25"],
  ...["-pix_fmt", "yuv420p", "-c:a", "aac"],
];

function ffmpeg(...output: readonly string[]): ChildProcess {
  const child = spawn(need("ffmpeg"), [...source, ...output], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", url);
  const [, name = ""] = /^\/live\/([a-z0-9_]+\.[a-z0-9]+)$/.exec(pathname) ?? [];
  if (name === "livestream.flv" && !off.has("flv")) {
    response.writeHead(200, { "content-type": "video/x-flv" });
    const child = ffmpeg("-f", "flv", "pipe:1");
    child.stdout?.pipe(response);
    response.once("close", () => child.kill("SIGKILL"));
  } else if (name !== "" && name !== "livestream.flv" && !off.has("hls")) {
    try {
      response.end(readFileSync(join(folder, name)));
    } catch {
      response.writeHead(404).end();
    }
  } else if (/^\/(rtc|api|live)\//.test(pathname)) {
    response.writeHead(404).end("Not Found\n");
  } else {
    const headers = { "accept-encoding": request.headers["accept-encoding"] ?? "" };
    const found = await pages.request(pathname, { headers });
    response.writeHead(found.status, Object.fromEntries(found.headers));
    response.end(Buffer.from(await found.arrayBuffer()));
  }
}

before(async () => {
  server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ffmpeg(
    ...["-f", "hls", "-hls_time", "1", "-hls_segment_type", "fmp4", "-hls_list_size", "6"],
    ...["-hls_flags", "program_date_time", join(folder, "livestream.m3u8")],
  );
  [monoport, browser] = await Promise.all([startServer(), launchChromium()]);
});

after(async () => {
  await browser?.close();
  await monoport?.stop();
  server.closeAllConnections();
  server.close();
  for (const child of children) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true, force: true });
});

async function open(address: string): Promise<Page> {
  const page = await browser.newPage();
  page.on("pageerror", (error) => assert.fail(`an error escaped on the page: ${error.stack}`));
  page.on("console", (line) => {
    if (line.text().includes("Content Security Policy")) assert.fail(line.text());
  });
  await page.goto(address);
  return page;
}

/** Waits for moving pictures by this protocol. */
async function plays(page: Page, by: RegExp): Promise<void> {
  try {
    await page.waitForFunction(
      ([pattern]) => {
        const { state = "", protocol = "" } = document.documentElement.dataset;
        const video = document.querySelector("video");
        const frames = video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
        return state === "live" && new RegExp(pattern ?? "").test(protocol) && frames > 20;
      },
      [by.source],
      { timeout: 60_000 },
    );
  } catch (cause) {
    const said = await page.textContent("main");
    throw new Error(`it does not play by ${by}: ${said}`, { cause });
  }
}

/** Waits for the latency to be told so: after a slow start a player catches up first. */
async function latency(page: Page, words: RegExp): Promise<void> {
  await page.locator('[data-name="latency"] dd', { hasText: words }).waitFor({ timeout: 60_000 });
}

async function says(page: Page, words: RegExp): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const said = (await page.textContent("main")) ?? "";
    if (words.test(said)) return;
    assert.ok(Date.now() < deadline, `the page says ${said}`);
    await page.waitForTimeout(100);
  }
}

describe("srs_player.html", () => {
  test("plays HTTP-FLV, sound and picture, and loads only the player it needs", async (t) => {
    const loaded: string[] = [];
    const page = await open(`${url}/players/srs_player.html`);
    t.after(() => page.close());
    page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
    await page.click("#start");
    await plays(page, /^HTTP-FLV$/);
    await latency(page, /^about (\d+ ms|[0-2]\.\d s)$/);
    assert.deepEqual(
      loaded.filter((path) => path.startsWith("/players/")),
      ["/players/vendor/mpegts.js"],
    );
    await page.click("#unmute");
    await page.click("#stop");
    await page.waitForSelector('[data-state="stopped"]');
  });

  test("plays HLS where stream ends in .m3u8, with autostart", async (t) => {
    const page = await open(`${url}/players/srs_player.html?stream=livestream.m3u8&autostart=true`);
    t.after(() => page.close());
    await plays(page, /^HLS$/);
    await latency(page, /^about \d+\.\d s$/);
  });

  test("takes schema, server and port, and says what is not there and tries again", async (t) => {
    const { port } = new URL(url);
    const query = `schema=http&server=localhost&port=${port}&app=live&stream=none&autostart=true`;
    const page = await open(`${url}/players/srs_player.html?${query}`);
    t.after(() => page.close());
    assert.equal(await page.inputValue("#stream-url"), `http://localhost:${port}/live/none.flv`);
    // Of another origin, and without its permission.
    await says(page, /live\/none cannot be played.*Trying again in 3 s/);
    await page.fill("#stream-url", `${url}/live/none.flv`);
    await page.press("#stream-url", "Enter");
    await says(page, /Nobody publishes live\/none, or not yet for long enough \(404\)/);
  });
});

describe("srs_player.html of Monoport", () => {
  for (const [query, by] of [
    ["stream=demo", /^HTTP-FLV$/],
    ["stream=demo&schema=ws", /^WS-FLV$/],
    ["stream=demo.ts", /^HTTP-TS$/],
    ["stream=demo.m3u8", /^HLS$/],
  ] as const) {
    test(`plays the demo stream by ${by.source.slice(1, -1)}`, async (t) => {
      const page = await open(`${monoport.url}/players/srs_player.html?${query}&autostart=true`);
      t.after(() => page.close());
      await plays(page, by);
    });
  }
});

describe("/watch/APP/STREAM", () => {
  test("plays by WebRTC where it carries: over UDP, or TCP alone", async (t) => {
    const page = await open(`${monoport.url}/watch/live/demo`);
    t.after(() => page.close());
    await plays(page, /^WebRTC over UDP$/);
    await latency(page, /^about (\d+ ms|\d\.\d s)$/);
    assert.equal(await page.isVisible("#left"), false);
    await page.goto(`${monoport.url}/watch/live/demo?transport=tcp`);
    await plays(page, /^WebRTC over TCP$/);
  });

  test("goes over to HLS when WebRTC cannot connect", async (t) => {
    // An address where nobody answers.
    const page = await open(`${monoport.url}/watch/live/demo?eip=127.0.0.9&transport=tcp`);
    t.after(() => page.close());
    await plays(page, /^HLS$/);
    await says(page, /WebRTC: No media connection/);
  });

  test("goes back to WebRTC by itself when that carries again, in the same picture", async (t) => {
    const page = await browser.newPage();
    t.after(() => page.close());
    let refused = 0;
    let refuses = true;
    await page.route("**/rtc/v1/whep/**", async (route) => {
      if (!refuses) return await route.continue();
      refused++;
      return await route.fulfill({ status: 503, body: "not now" });
    });
    await page.goto(`${monoport.url}/watch/live/demo?by=webrtc,flv&climb=1`);
    await plays(page, /^HTTP-FLV$/);
    await page.click("#unmute");
    await until(() => refused >= 2, "the first, and one beside FLV in vain");
    refuses = false;
    await plays(page, /^WebRTC over UDP$/);
    assert.equal(await page.evaluate(() => document.querySelector("video")?.muted), false);
    assert.equal(await page.isVisible("#left"), false);
  });

  test("falls back to HLS, and from there to FLV, and tells why", async (t) => {
    t.after(() => off.clear());
    const page = await open(`${url}/watch/live/livestream`);
    t.after(() => page.close());
    await plays(page, /^HLS$/);
    await says(page, /WebRTC: .*404/);
    off.add("hls");
    await page.click("#start");
    await plays(page, /^HTTP-FLV$/);
    await says(page, /WebRTC: .*404.*HLS: Nobody publishes live\/livestream/);
    await page.click("#stop");
    off.add("flv");
    await page.click("#start");
    await says(page, /Nobody publishes live\/livestream.*Beginning again in 3 s/);
    off.clear();
    await plays(page, /^HLS$/);
  });
});
