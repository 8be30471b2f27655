import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import type { Runtime } from "../runtimes.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { inbound, launchChromium, loudness, openPage, statsOf, statsWhen } from "./chromium.ts";

/** Chromium's fake camera gives 20 frames per second. */
const CAMERA_RATE = 20;

let browser: Browser;
before(async () => {
  browser = await launchChromium();
});
after(() => browser.close());

for (const runtime of ["node20", "node", "deno", "bun"] as const) {
  describe(`Chromium on ${runtime}`, () => {
    let server: ServerProcess;
    before(async () => {
      server = await startServer({ runtime, args: ["--rtc_server.protocol", "tcp"] });
    });
    after(() => server.stop());

    test("publishes and plays H.264 and Opus over the one TCP port", async (t) => {
      const { url, port } = server;
      const publisher = await openPage(
        browser,
        `${url}/players/whip.html?stream=one&autostart=true&codec=h264`,
      );
      t.after(() => publisher.context().close());
      await statsWhen(
        publisher,
        (stats) => (stats.outbound.find((one) => one.kind === "video")?.packets ?? 0) > 0,
      );
      const player = await openPage(browser, `${url}/players/whep.html?stream=one&autostart=true`);
      t.after(() => player.context().close());

      // Three seconds' worth of pictures and of sound, in which the fake microphone beeps.
      const last = await statsWhen(
        player,
        (stats) =>
          stats.inbound.some((one) => one.framesDecoded > 3 * CAMERA_RATE) &&
          stats.inbound.some((one) => one.samples > 3 * 48_000),
      );
      assert.ok((await loudness(player, 30_000, 0.01)) >= 0.01, "the beeps are heard");

      for (const stats of [last, await statsOf(publisher)]) {
        assert.equal(stats.state, "connected");
        assert.equal(stats.protocol, "tcp");
        assert.equal(stats.remotePort, port);
      }
      const video = inbound(last, "video");
      const audio = inbound(last, "audio");
      assert.equal(video.codec, "video/H264");
      assert.equal(audio.codec, "audio/opus");
      assert.equal(video.lost + audio.lost, 0);
      assertOnlyOnePort(server, runtime);
    });

    test("plays the demo stream at once", async (t) => {
      const page = await openPage(
        browser,
        `${server.url}/players/whep.html?app=live&stream=demo&autostart=true`,
      );
      t.after(() => page.context().close());
      const stats = await statsWhen(page, (one) =>
        one.inbound.some((track) => track.framesDecoded > 30),
      );
      assert.ok(inbound(stats, "video").framesDecoded > 30);
      assert.equal(inbound(stats, "video").frameWidth, 640);
    });
  });
}

/** No UDP socket, and one that listens: what the kernel says of the process. */
function assertOnlyOnePort(server: ServerProcess, runtime: Runtime): void {
  const owned = (kind: string): string[] =>
    execFileSync(need("ss"), ["-Hnp", kind], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes(`pid=${server.pid},`));
  assert.deepEqual(owned("-ua"), [], `${runtime} has UDP sockets`);
  const listening = owned("-lt");
  assert.equal(listening.length, 1, listening.join("\n"));
  assert.match(listening[0] ?? "", new RegExp(`:${server.port} `));
}
