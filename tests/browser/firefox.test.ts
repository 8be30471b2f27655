import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { after, before, test } from "node:test";
import type { Browser as Chromium } from "playwright-core";
import type { Browser, Page } from "puppeteer-core";
import { RETIRE_MILLIS } from "../../core/session/webrtc/ice_generations.ts";
import { until } from "../server/rtc/client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { inbound, launchChromium, openPage as openInChromium, statsWhen } from "./chromium.ts";
import { type Figures, figuresWhen, launchFirefox, openPage } from "./firefox.ts";
import { playLayer, publishHere, shownSizes, THREE_LAYERS } from "./layers_page.ts";

let firefox: Browser;
let chromium: Chromium;
let server: ServerProcess;
/** By name, for a camera is given to addresses of HTTP only when they are localhost. */
let site: string;

before(async () => {
  const found = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  assert.ok(
    found.some(({ internal }) => !internal),
    "Firefox needs an interface beside lo, and a default route",
  );
  // On all interfaces: Firefox pairs with none but their addresses.
  server = await startServer({
    host: "0.0.0.0",
    args: ["--demo", "off", "--rtc_server.protocol", "tcp"],
  });
  site = `http://localhost:${server.port}`;
  [firefox, chromium] = await Promise.all([launchFirefox(), launchChromium()]);
});
after(async () => {
  await Promise.all([firefox?.close(), chromium?.close()]);
  await server?.stop();
});

const whip = (query: string): string => `${site}/players/whip.html?autostart=true&${query}`;
const whep = (query: string): string => `${site}/players/whep.html?autostart=true&${query}`;

for (const codec of ["VP8", "VP9", "AV1"]) {
  test(`Firefox publishes ${codec} and Opus and another page plays them`, async (t) => {
    const publisher = await openPage(firefox, whip(`stream=${codec}&codec=${codec.toLowerCase()}`));
    t.after(() => publisher.close());
    const player = await openPage(firefox, whep(`stream=${codec}`));
    t.after(() => player.close());
    const played = await figuresWhen(player, plays);
    const sent = await figuresWhen(publisher, (figures) => figures.frames > 0);
    for (const figures of [played, sent]) {
      assertOverTcp(figures);
      assert.equal(figures.videoCodec, codec);
      assert.match(figures.audioCodec, /opus/i);
    }
    assert.equal(played.packetsLost, 0);
    assert.ok((await soundEnergy(player)) > 0.001, "the fake microphone's tone is heard");
  });
}

test("Firefox's layers of VP8: each viewer has his own", async (t) => {
  const publisher = await openPage(firefox, `${site}/players/whip.html`);
  t.after(() => publisher.close());
  const options = { codec: "video/VP8", encodings: THREE_LAYERS, width: 1280, height: 720 };
  await publisher.evaluate(publishHere, ["/rtc/v1/whip/?stream=layers", options] as const);
  const layers = async (): Promise<unknown[]> => {
    const { streams } = (await (await fetch(`${site}/api/v1/streams`)).json()) as {
      streams: { name: string; video?: { layers?: { active: boolean }[] } }[];
    };
    const found = streams.find(({ name }) => name === "layers")?.video?.layers ?? [];
    return found.filter(({ active }) => active);
  };
  for (const end = Date.now() + 60_000; Date.now() < end && (await layers()).length < 2; ) {
    await new Promise((wake) => setTimeout(wake, 200));
  }
  // The largest comes only where Firefox finds the bandwidth for it.
  const widths: number[] = [];
  for (const layer of ["low", "high"]) {
    const player = await openInChromium(chromium, `${site}/players/whep.html`);
    t.after(() => player.context().close());
    await playLayer(player, `/rtc/v1/whep/?stream=layers&layer=${layer}`);
    await statsWhen(player, ({ inbound: all }) => all.some((one) => one.framesDecoded > 20));
    widths.push((await shownSizes(player)).at(-1)?.width ?? 0);
  }
  const [low = 0, high = 0] = widths;
  assert.ok(low === 320 && high > low, `${low} and ${high} wide`);
});

test("Firefox publishes and plays over UDP where both are offered", async (t) => {
  const both = await startServer({ host: "0.0.0.0", args: ["--demo", "off"] });
  t.after(() => both.stop());
  const page = (name: string): string =>
    `http://localhost:${both.port}/players/${name}.html?autostart=true&codec=vp8`;
  const publisher = await openPage(firefox, page("whip"));
  t.after(() => publisher.close());
  const player = await openPage(firefox, page("whep"));
  t.after(() => player.close());
  const played = await figuresWhen(player, plays);
  const sent = await figuresWhen(publisher, (figures) => figures.frames > 0);
  for (const figures of [played, sent]) {
    assert.equal(figures.protocol, "udp");
    assert.match(figures.remote, new RegExp(`:${both.port}$`));
  }
  const metrics = await (await fetch(`http://localhost:${both.port}/metrics`)).text();
  assert.match(metrics, /^monoport_paths_selected_total\{transport="udp"\} [2-9]/m);
});

test("Firefox plays the VP8 of Chromium, and Chromium that of Firefox", async (t) => {
  const fromChromium = await openInChromium(chromium, whip("stream=chromium&codec=vp8"));
  t.after(() => fromChromium.context().close());
  const fromFirefox = await openPage(firefox, whip("stream=firefox&codec=vp8"));
  t.after(() => fromFirefox.close());
  const inFirefox = await openPage(firefox, whep("stream=chromium"));
  t.after(() => inFirefox.close());
  const inChromium = await openInChromium(chromium, whep("stream=firefox"));
  t.after(() => inChromium.context().close());

  const played = await figuresWhen(inFirefox, plays);
  assertOverTcp(played);
  assert.equal(played.videoCodec, "VP8");
  assert.equal(played.packetsLost, 0);

  const stats = await statsWhen(
    inChromium,
    (one) =>
      one.inbound.some((track) => track.framesDecoded > 40) &&
      one.inbound.some((track) => track.samples > 24_000),
  );
  assert.equal(stats.protocol, "tcp");
  assert.ok(inbound(stats, "video").framesDecoded > 40, JSON.stringify(stats));
  assert.equal(inbound(stats, "video").lost, 0);
  assert.ok(inbound(stats, "audio").samples > 24_000);
});

test("Firefox restarts ICE by PATCH over TCP: media goes on over new connections, in one session", async (t) => {
  const publisher = await openPage(firefox, whip("stream=restart&codec=vp8"));
  t.after(() => publisher.close());
  const player = await openPage(firefox, whep("stream=restart"));
  t.after(() => player.close());
  const { frames } = await figuresWhen(player, plays);
  const connections = async (): Promise<number> => {
    const metrics = await (await fetch(`${site}/metrics`)).text();
    return Number(/^monoport_connections_total\{protocol="stun-tcp"\} (\d+)$/m.exec(metrics)?.[1]);
  };
  const before = await connections();
  const sessions: unknown[] = [];
  for (const page of [publisher, player]) {
    sessions.push(await page.evaluate(() => window.monoport?.session));
    await page.evaluate(() => window.monoport?.restartIce());
  }
  await until(async () => (await connections()) >= before + 2, "both have connected anew");
  await new Promise((wake) => setTimeout(wake, RETIRE_MILLIS + 1000)); // the old ones are closed
  const played = await figuresWhen(player, (figures) => figures.frames > frames + 100);
  assert.equal(played.packetsLost, 0);
  for (const page of [publisher, player])
    assert.equal(await page.evaluate(() => window.monoport?.session), sessions.shift());
});

test("/diagnose finds in Firefox that media passes, and measures it both ways", async (t) => {
  const page = await openPage(firefox, `${site}/diagnose`);
  t.after(() => page.close());
  await page.click("#start");
  await page.waitForSelector('[data-state="done"]', { timeout: 90_000 });
  const report = await page.$eval("#report", (shown) => shown.textContent ?? "");
  assert.match(report, /^Media passes over TCP/);
  assert.match(report, /Browser: .*Firefox/);
  assert.match(report, /^passes +WebRTC over TCP: /m);
  assert.match(report, /WebRTC over TCP: down [\d.]+ [Mk]bps, up [\d.]+ [Mk]bps/);
});

function plays(figures: Figures): boolean {
  return figures.frames > 40 && figures.audioSamples > 48_000;
}

/** One of our addresses, on the one port. */
function assertOverTcp({ protocol, remote }: Figures): void {
  assert.equal(protocol, "tcp");
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const ours = addresses.map(({ address, family }) =>
    family === "IPv6" ? `[${address}]:${server.port}` : `${address}:${server.port}`,
  );
  assert.ok(ours.includes(remote), `${remote} is none of ${ours.join(", ")}`);
}

/** Of the sound it received since the beginning, as `totalAudioEnergy` counts it. */
function soundEnergy(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { pc } = (globalThis as unknown as { monoport: { pc: RTCPeerConnection } }).monoport;
    let energy = 0;
    for (const [, one] of await pc.getStats()) {
      if (one.type === "inbound-rtp") energy += one.totalAudioEnergy ?? 0;
    }
    return energy;
  });
}
