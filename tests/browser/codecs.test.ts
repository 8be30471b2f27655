import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { type ServerProcess, startServer } from "../server_process.ts";
import { inbound, launchChromium, openPage, statsWhen } from "./chromium.ts";

let browser: Browser;
let server: ServerProcess;
before(async () => {
  server = await startServer({ args: ["--demo", "off", "--rtc_server.protocol", "tcp"] });
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const codec of ["VP8", "VP9", "AV1"]) {
  test(`Chromium publishes ${codec} and another one plays it`, async (t) => {
    const publisher = await openPage(
      browser,
      `${server.url}/players/whip.html?stream=${codec}&autostart=true&codec=${codec.toLowerCase()}`,
    );
    t.after(() => publisher.context().close());
    const player = await openPage(
      browser,
      `${server.url}/players/whep.html?stream=${codec}&autostart=true`,
    );
    t.after(() => player.context().close());
    const stats = await statsWhen(
      player,
      (one) =>
        one.inbound.some((track) => track.framesDecoded > 40) &&
        one.inbound.some((track) => track.samples > 48_000),
    );
    const video = inbound(stats, "video");
    assert.equal(video.codec, `video/${codec}`);
    assert.equal(stats.protocol, "tcp");
    assert.ok(video.framesDecoded > 40, `${video.framesDecoded} frames`);
    assert.equal(video.lost, 0);
    assert.ok(inbound(stats, "audio").samples > 48_000);
    const { streams } = (await (await fetch(`${server.url}/api/v1/streams`)).json()) as {
      streams: {
        name: string;
        video: { codec: string; width: number; fps: number; kbps: number };
        audio: { profile: string };
      }[];
    };
    const stream = streams.find((one) => one.name === codec);
    assert.equal(stream?.video.codec, codec);
    assert.ok((stream?.video.width ?? 0) > 0, "the API knows the picture's size");
    assert.ok((stream?.video.fps ?? 0) > 1 && (stream?.video.kbps ?? 0) > 50);
    assert.match(stream?.audio.profile ?? "", /^(CELT|SILK|hybrid) /);
    // The first page's own decoder draws the last keyframe of it.
    await player.goto(server.url);
    await player.waitForSelector(`[data-stream="live/${codec}"][data-pictured]`);
  });
}

test("a viewer who came first sees the stream when it comes, and again after its publisher reloads", async (t) => {
  const player = await openPage(
    browser,
    `${server.url}/players/whep.html?stream=late&autostart=true`,
  );
  t.after(() => player.context().close());
  await statsWhen(player, (one) => one.state === "connected");
  const publisher = await openPage(
    browser,
    `${server.url}/players/whip.html?stream=late&autostart=true`,
  );
  t.after(() => publisher.context().close());
  const first = await statsWhen(player, (one) =>
    one.inbound.some((track) => track.framesDecoded > 20),
  );
  assert.ok(inbound(first, "video").framesDecoded > 20);
  const connections = await player.evaluate(
    () => (globalThis as unknown as { monoport: { pc: unknown } }).monoport.pc !== null,
  );
  assert.ok(connections);
  const before = inbound(first, "video").framesDecoded;
  await publisher.reload();
  const again = await statsWhen(player, (one) =>
    one.inbound.some((track) => track.framesDecoded > before + 40),
  );
  assert.ok(inbound(again, "video").framesDecoded > before + 40, "the same connection goes on");
});

test("a viewer who cannot take the codec that comes later is told so in words, by API and page", async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const player = await context.newPage();
  await player.addInitScript(() => {
    const addTransceiver = RTCPeerConnection.prototype.addTransceiver;
    RTCPeerConnection.prototype.addTransceiver = function (...args) {
      const made = addTransceiver.apply(this, args);
      const all = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
      if (args[0] === "video")
        made.setCodecPreferences(all.filter((one) => one.mimeType === "video/VP8"));
      return made;
    };
  });
  await player.goto(`${server.url}/players/whep.html?stream=other&autostart=true`);
  await statsWhen(player, (one) => one.state === "connected");
  const publisher = await openPage(
    browser,
    `${server.url}/players/whip.html?stream=other&autostart=true&codec=h264`,
  );
  t.after(() => publisher.context().close());
  await player
    .getByText(/H264.*VP8/)
    .first()
    .waitFor({ timeout: 60_000 });
  const { clients } = (await (await fetch(`${server.url}/api/v1/clients`)).json()) as {
    clients: { type: string; name: string; trouble?: string }[];
  };
  const viewer = clients.find((one) => one.name === "other" && one.type === "rtc-play");
  assert.match(viewer?.trouble ?? "", /video is H264, this viewer takes VP8/);
  const stats = await statsWhen(player, (one) =>
    one.inbound.some((track) => track.samples > 48_000),
  );
  assert.ok(inbound(stats, "audio").samples > 48_000, "he hears it all the same");
});
