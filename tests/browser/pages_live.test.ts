/** The pages against Monoport itself: publish, play, wait, lose, all over its one TCP port. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import type { PageHandle } from "../../web/lib/view.ts";
import { launchChromium } from "../chromium.ts";
import { until } from "../server/rtc/client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";

let server: ServerProcess;
let browser: Browser;

before(async () => {
  server = await startServer({ args: ["--rtc_server.protocol", "tcp"] });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(path: string): Promise<Page> {
  const page = await browser.newPage();
  page.on("pageerror", (error) => assert.fail(`an error escaped on the page: ${error.stack}`));
  page.on("console", (line) => {
    if (line.text().includes("Content Security Policy")) assert.fail(line.text());
  });
  await page.goto(server.url + path);
  return page;
}

async function reaches(page: Page, state: string): Promise<void> {
  try {
    await page.waitForSelector(`[data-state="${state}"]`, { timeout: 60_000 });
  } catch (cause) {
    const said = await page.textContent("#message");
    throw new Error(`not ${state}; the page says ${said}`, { cause });
  }
}

type Figures = NonNullable<PageHandle["figures"]>;

/** Reads until the figures are as wanted. */
async function figures(page: Page, wanted: (figures: Figures) => boolean): Promise<Figures> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const read = (await page.evaluate("window.monoport.figures")) as Figures | undefined;
    if (read !== undefined && wanted(read)) return read;
    assert.ok(Date.now() < deadline, `figures stay ${JSON.stringify(read)}`);
    await page.waitForTimeout(200);
  }
}

async function says(page: Page, words: RegExp): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const said = (await page.textContent("#message")) ?? "";
    if (words.test(said)) return;
    assert.ok(Date.now() < deadline, `the page says ${said}`);
    await page.waitForTimeout(200);
  }
}

describe("the pages", () => {
  it("the index plays the demo stream, lists it with its last keyframe, and tells what it is", async () => {
    const page = await open("/");
    await reaches(page, "live");
    const read = await figures(page, ({ frames }) => frames > 30);
    assert.equal(read.protocol, "tcp");
    assert.equal(read.videoCodec, "H264");
    assert.equal(read.width, 640);
    assert.match((await page.textContent("#figures")) ?? "", /TCP to 127\.0\.0\.1/);
    const card = page.locator('[data-stream="live/demo"]');
    await page.waitForSelector('[data-stream="live/demo"][data-pictured]');
    const colours = await card.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
      const { width, height } = canvas;
      const { data } = canvas.getContext("2d")?.getImageData(0, 0, width, height) ?? { data: [] };
      return { width, height, colours: new Set(new Uint32Array(new Uint8Array(data).buffer)).size };
    });
    assert.deepEqual([colours.width, colours.height], [480, 270]);
    assert.ok(colours.colours > 100, `${colours.colours} colours`);
    const told = ((await card.locator("dl").textContent()) ?? "").replaceAll("\n", " ");
    assert.match(told, /H264 Constrained Baseline 3\.1 · 640×360/);
    assert.match(told, /Opus .* · 48 kHz · stereo/);
    await page.waitForFunction(() =>
      document.querySelector("#streams")?.textContent?.includes("1: 1 WebRTC TCP"),
    );
    const [watch] = await card.locator(".ways a").all();
    assert.equal(await watch?.getAttribute("href"), `${server.url}/watch/live/demo`);
    await page.close();
  });

  it("the index tells names of streams as they are written, and which pictures it cannot draw", async () => {
    const page = await browser.newPage();
    const bad = '<img src="/none" onerror="window.hit=1">';
    const long = bad + "x".repeat(100);
    await page.route("**/api/v1/streams/**", (route) => {
      const live = {
        id: "vid-1",
        app: "a",
        name: long,
        clients: 1,
        live_ms: 0,
        kbps: { recv_30s: 1 },
      };
      const video = { codec: bad, width: 1, height: 1 };
      return route.fulfill({
        json: {
          streams: [{ ...live, publish: { active: true }, video, audio: null, warnings: [long] }],
        },
      });
    });
    await page.route("**/api/v1/streams/vid-1/keyframe", (route) =>
      route.fulfill({ headers: { "monoport-codec": "hvc1.2.4.L200.B0" }, body: "x" }),
    );
    await page.goto(server.url);
    await page.waitForSelector(".warnings li");
    await page.waitForFunction(() =>
      /cannot decode hvc1/.test(document.querySelector(".note")?.textContent ?? ""),
    );
    const list = page.locator("#streams");
    assert.equal(((await list.textContent()) ?? "").split(bad).length - 1, 3);
    assert.equal(await list.locator("img").count(), 0);
    await page.setViewportSize({ width: 360, height: 740 });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    await page.addInitScript("delete window.VideoDecoder");
    await page.reload();
    await page.waitForSelector("text=This browser has no decoder for pages");
    await page.close();
  });

  it("a player waits for a publisher, plays him over TCP, and says when he is gone", async () => {
    const player = await open("/players/whep.html?autostart=true&stream=pair");
    await reaches(player, "waiting");
    await says(player, /Waiting for the publisher of live\/pair/);

    const publisher = await open("/players/whip.html?autostart=true&stream=pair");
    await reaches(publisher, "live");
    const sent = await figures(publisher, ({ frames }) => frames > 30);
    assert.equal(sent.protocol, "tcp");
    assert.equal(sent.videoCodec, "H264");

    await reaches(player, "live");
    const played = await figures(player, ({ frames, audioSamples }) => {
      return frames > 30 && audioSamples > 48_000;
    });
    assert.equal(played.protocol, "tcp");
    assert.equal(played.packetsLost, 0);
    assert.equal(await player.evaluate(() => document.querySelector("video")?.muted), true);
    await player.click("#unmute");
    assert.equal(await player.evaluate(() => document.querySelector("video")?.muted), false);

    await publisher.close({ runBeforeUnload: false });
    await says(player, /Waiting for the publisher of live\/pair/);
    await player.close();
  });

  it("a codec this browser cannot play is told, with those it can", async () => {
    const page = await open("/players/whep.html?stream=hevc");
    // Chromium sends no H.265 here, so the API is made to tell of such a publisher.
    await page.route("**/api/v1/streams/**", (route) => {
      const live = { app: "live", name: "hevc", publish: { active: true } };
      return route.fulfill({ json: { streams: [{ ...live, video: { codec: "HEVC" } }] } });
    });
    await page.click("#start");
    await says(page, /sends H265, which this browser cannot play; it plays .*H264/);
    await page.close();
  });

  it("a publisher whose session the server ends publishes again by itself, with the same camera", async () => {
    const page = await browser.newPage();
    page.on("pageerror", (error) => assert.fail(`an error escaped on the page: ${error.stack}`));
    let offers = 0;
    let refuses = false;
    await page.route("**/rtc/v1/whip/?*", async (route) => {
      if (route.request().method() !== "POST") return await route.continue();
      offers++;
      if (!refuses) return await route.continue();
      return await route.fulfill({ status: 503, body: "being stopped" });
    });
    await page.goto(`${server.url}/players/whip.html?stream=again&simulcast=true`);
    assert.equal(await page.isChecked("#simulcast"), true);
    await page.click("#start");
    await reaches(page, "live");
    const camera = (): Promise<string | undefined> =>
      page.evaluate(() => {
        const { srcObject } = document.querySelector("video") ?? {};
        return srcObject instanceof MediaStream ? srcObject.id : undefined;
      });
    const before = await camera();
    const rids = await page.evaluate(() => {
      const { pc } = (globalThis as unknown as { monoport: { pc: RTCPeerConnection } }).monoport;
      const sender = pc.getSenders().find(({ track }) => track?.kind === "video");
      return sender?.getParameters().encodings.map(({ rid }) => rid);
    });
    assert.deepEqual(rids, ["q", "h", "f"], "the server has taken three layers");
    const session = new URL((await page.evaluate("window.monoport.session")) as string);
    const id = session.searchParams.get("session");
    refuses = true;
    await fetch(`${server.url}/api/v1/clients/${id}`, { method: "DELETE" });
    await says(page, /being stopped.*Trying again in \d+ s/);
    refuses = false;
    await reaches(page, "live");
    assert.ok(offers >= 3, `${offers} offers`);
    assert.equal(await camera(), before, "nobody was asked for a camera again");
    await page.click("#stop");
    await reaches(page, "stopped");
    assert.equal(await camera(), undefined);
    await page.close();
  });

  it("a page that goes away ends its session at once", async () => {
    const page = await open("/players/whip.html?autostart=true&stream=leaves&source=test");
    await reaches(page, "live");
    const ended = async (): Promise<number> => {
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      const told = /^monoport_sessions_ended_total\{reason="(?:peer|local)"\} (\d+)$/gm;
      return [...metrics.matchAll(told)].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const before = await ended();
    await page.goto("about:blank");
    // By close_notify or DELETE; without them the server finds out in a while, and counts it otherwise.
    await until(async () => (await ended()) > before, "the session is ended by the page");
    await page.close();
  });

  it("stop ends it, and the button starts it again", async () => {
    const page = await open("/players/whep.html?app=live&stream=demo");
    assert.equal(await page.textContent("#start"), "Play");
    await page.click("#start");
    await reaches(page, "live");
    await page.click("#stop");
    await reaches(page, "stopped");
    await page.click("#start");
    await reaches(page, "live");
    await page.close();
  });

  it("an address that cannot be reached is named", async () => {
    const page = await open("/players/whep.html?stream=demo&eip=127.0.0.9");
    await page.click("#start");
    await page.waitForSelector('[data-state="failed"]', { timeout: 60_000 });
    const said = (await page.textContent("#message")) ?? "";
    assert.match(said, new RegExp(`No media connection to .*TCP 127\\.0\\.0\\.9:${server.port}`));
    await page.close();
  });
});
