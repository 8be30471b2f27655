import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type ServerProcess, startServer } from "../server_process.ts";
import { inbound, launchChromium, openPage, statsOf, statsWhen } from "./chromium.ts";
import {
  playLayer,
  publishLayers,
  type ShownSize,
  setActive,
  shownSizes,
  THREE_LAYERS,
} from "./layers_page.ts";
import { SlowProxy } from "./slow_proxy.ts";

/** Longest time without a new frame at a change of layer. */
const FREEZE_MILLIS = 2000;

let browser: Browser;
let server: ServerProcess;
before(async () => {
  server = await startServer({ args: ["--demo", "off"] });
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Waits until a player shows pictures of `width`. */
function untilWidth(page: Page, width: number, millis?: number): Promise<ShownSize[]> {
  return until(page, (shown) => shown === width, `${width} wide`, millis);
}

async function until(
  page: Page,
  holds: (width: number) => boolean,
  what: string,
  millis = 60_000,
): Promise<ShownSize[]> {
  const end = Date.now() + millis;
  for (;;) {
    const sizes = await shownSizes(page);
    const newest = sizes.at(-1);
    if (newest !== undefined && holds(newest.width)) return sizes;
    if (Date.now() >= end) assert.fail(`${what} never came: ${await situation(sizes)}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

/** What to know when something did not come: the API's layers and clients. */
async function situation(sizes: readonly ShownSize[]): Promise<string> {
  const text = async (path: string): Promise<string> => (await fetch(server.url + path)).text();
  const layers = /"layers":\[[^\]]*\]/g.exec(await text("/api/v1/streams"))?.[0];
  return `${JSON.stringify(sizes)} ${layers} ${await text("/api/v1/clients")}`;
}

async function choose(page: Page, link: string, encodingId: string): Promise<void> {
  const status = await page.evaluate(
    async ([url, id]) => {
      const body = JSON.stringify({ mediaId: "1", encodingId: id });
      return (await fetch(url, { method: "POST", body })).status;
    },
    [link, encodingId] as const,
  );
  assert.equal(status, 200);
}

for (const codec of ["video/VP8", "video/H264"]) {
  test(`Chromium's three layers of ${codec}: each viewer has his own, and changes without a freeze`, async (t) => {
    const stream = codec.slice(6);
    const publisher = await openPage(browser, `${server.url}/players/whip.html`);
    t.after(() => publisher.context().close());
    await publishLayers(publisher, `/rtc/v1/whip/?stream=${stream}`, {
      codec,
      encodings: THREE_LAYERS,
      width: 1280,
      height: 720,
    });
    const best = await openPage(browser, `${server.url}/players/whep.html`);
    t.after(() => best.context().close());
    await playLayer(best, `/rtc/v1/whep/?stream=${stream}`);
    const low = await openPage(browser, `${server.url}/players/whep.html`);
    t.after(() => low.context().close());
    const link = await playLayer(low, `/rtc/v1/whep/?stream=${stream}&layer=low`);
    await untilWidth(best, 1280);
    await untilWidth(low, 320);
    for (const [rid, width] of [
      ["f", 1280],
      ["q", 320],
      ["h", 640],
    ] as const) {
      await choose(low, link, rid);
      await untilWidth(low, width);
    }
    await setActive(publisher, "f", false);
    await untilWidth(best, 640);
    await setActive(publisher, "f", true);
    const all = await untilWidth(best, 1280);
    // The first is the start; so early no keyframe could be asked for.
    for (const sizes of [all.slice(1), (await shownSizes(low)).slice(1)]) {
      for (const { gap } of sizes) assert.ok(gap < FREEZE_MILLIS, await situation(sizes));
    }
    for (const page of [best, low]) {
      const video = inbound(await statsOf(page), "video");
      assert.equal(video.codec, codec);
      // Over UDP, where a kernel may drop some while Chromium is kept from reading.
      assert.ok(video.lost <= video.packets / 100, `${video.lost} of ${video.packets} lost`);
    }
    const faults = (await (await fetch(`${server.url}/metrics`)).text()).match(
      /monoport_faults_total\{.*(layer|source).*/g,
    );
    assert.equal(faults, null, `${faults}`);
  });
}

test("a viewer behind a slow connection goes down to what it takes, and up again", async (t) => {
  const proxy = await SlowProxy.start(server.port, 10_000_000);
  t.after(() => proxy.close());
  const publisher = await openPage(browser, `${server.url}/players/whip.html`);
  t.after(() => publisher.context().close());
  await publishLayers(publisher, "/rtc/v1/whip/?stream=slow", {
    codec: "video/VP8",
    encodings: THREE_LAYERS,
    width: 1280,
    height: 720,
  });
  const viewer = await openPage(browser, `${server.url}/players/whep.html`);
  t.after(() => viewer.context().close());
  await playLayer(viewer, `/rtc/v1/whep/?stream=slow&candidate=127.0.0.1:${proxy.port}`);
  await untilWidth(viewer, 1280);
  proxy.bytesPerSecond = 60_000;
  await until(viewer, (width) => width < 1280, "a smaller picture");
  proxy.bytesPerSecond = 10_000_000;
  const sizes = await untilWidth(viewer, 1280);
  assert.equal((await statsOf(viewer)).protocol, "tcp");
  assert.ok(sizes.length <= 10, `it flaps: ${JSON.stringify(sizes)}`);
});

for (const [codec, scalabilityMode] of [
  ["video/VP9", "L1T3"],
  ["video/VP9", "L3T3"],
  ["video/VP9", "L3T3_KEY"],
  ["video/AV1", "L1T3"],
] as const) {
  test(`SVC passes whole: ${codec} ${scalabilityMode} plays, for who comes late too`, async (t) => {
    const path = `?stream=${codec.slice(6)}-${scalabilityMode}`;
    const publisher = await openPage(browser, `${server.url}/players/whip.html`);
    t.after(() => publisher.context().close());
    await publishLayers(publisher, `/rtc/v1/whip/${path}`, {
      codec,
      encodings: [{ scalabilityMode }],
      width: 640,
      height: 360,
    });
    await statsWhen(publisher, ({ outbound }) => outbound.some((one) => one.framesEncoded > 15));
    const viewer = await openPage(browser, `${server.url}/players/whep.html`);
    t.after(() => viewer.context().close());
    await playLayer(viewer, `/rtc/v1/whep/${path}`);
    // The largest spatial layer comes when Chromium finds the bandwidth for it, and each new one with a keyframe.
    // Pictures that lack a layer they refer to would be shown at keyframes alone.
    const stats = await statsWhen(viewer, ({ inbound: all }) =>
      all.some(
        ({ framesDecoded, keyFramesDecoded, frameWidth }) =>
          framesDecoded > 25 && framesDecoded / keyFramesDecoded > 5 && frameWidth === 640,
      ),
    );
    const video = inbound(stats, "video");
    assert.equal(video.codec, codec);
    assert.ok(video.keyFramesDecoded >= 1);
    const used = await publisher.evaluate(() => {
      const { pc } = (globalThis as unknown as { monoport: { pc: RTCPeerConnection } }).monoport;
      const sender = pc.getSenders().find(({ track }) => track?.kind === "video");
      return sender?.getParameters().encodings[0];
    });
    assert.equal((used as { scalabilityMode?: string }).scalabilityMode, scalabilityMode);
  });
}
