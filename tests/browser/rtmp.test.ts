/** Encoders of strangers publish by RTMP; Chromium plays what they send. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { after, before, describe, type TestContext, test } from "node:test";
import type { Browser } from "playwright-core";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { inbound, launchChromium, openPage, statsWhen } from "./chromium.ts";

describe("RTMP on the shared port, watched by Chromium", () => {
  let server: ServerProcess;
  let browser: Browser;
  before(async () => {
    const args = ["--demo", "off", "--http_api.https.enabled", "on"];
    [server, browser] = await Promise.all([startServer({ args }), launchChromium()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  for (const scheme of ["rtmp", "rtmps"] as const) {
    test(`ffmpeg publishes by ${scheme}`, async (t) => {
      const url = `${scheme}://127.0.0.1:${server.port}/live/${scheme}`;
      run(t, need("ffmpeg"), [
        ..."-v error -re -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine=frequency=440".split(
          " ",
        ),
        ..."-t 40 -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 50".split(
          " ",
        ),
        ..."-b:v 500k -c:a aac -f flv".split(" "),
        url,
      ]);
      await plays(t, scheme, 640);
    });
  }

  test("GStreamer publishes by rtmp2sink", async (t) => {
    for (const plugin of ["base", "flv", "rtmp", "x264"] as const) need(`gstreamer ${plugin}`);
    run(t, need("gst-launch-1.0"), [
      ..."-q videotestsrc is-live=true num-buffers=1000 ! video/x-raw,width=320,height=240,framerate=25/1".split(
        " ",
      ),
      ..."! x264enc tune=zerolatency speed-preset=ultrafast bitrate=400 key-int-max=50".split(" "),
      ..."! video/x-h264,profile=baseline ! h264parse ! flvmux streamable=true ! rtmp2sink".split(
        " ",
      ),
      `location=rtmp://127.0.0.1:${server.port}/live/gst`,
    ]);
    await plays(t, "gst", 320);
  });

  async function plays(t: TestContext, stream: string, width: number): Promise<void> {
    const player = await openPage(
      browser,
      `${server.url}/players/whep.html?stream=${stream}&autostart=true`,
    );
    t.after(() => player.context().close());
    const stats = await statsWhen(player, (one) =>
      one.inbound.some(({ framesDecoded }) => framesDecoded > 50),
    );
    assert.equal(inbound(stats, "video").codec, "video/H264");
    assert.ok(inbound(stats, "video").keyFramesDecoded >= 1);
    const size = await player.evaluate(() => document.querySelector("video")?.videoWidth);
    assert.equal(size, width);
  }
});

function run(t: TestContext, program: string, args: readonly string[]): void {
  const child: ChildProcess = spawn(program, args, { stdio: "ignore", timeout: 60_000 });
  t.after(() => void child.kill("SIGKILL"));
}
