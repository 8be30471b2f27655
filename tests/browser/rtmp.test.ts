/** Encoders of strangers publish by RTMP; Chromium plays what they send. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { after, before, describe, type TestContext, test } from "node:test";
import type { Browser } from "playwright-core";
import { until } from "../server/rtc/client.ts";
import { openEncoder } from "../server/rtmp/encoder.ts";
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
        ..."-t 120 -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 50".split(
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
      ..."-q videotestsrc is-live=true num-buffers=3000 ! video/x-raw,width=320,height=240,framerate=25/1".split(
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

  test("AV1 and VP9 by enhanced RTMP; H.264 with B-frames, of which some are left out; AAC alone as Opus", async (t) => {
    const ffmpeg = (stream: string, args: string): void => {
      const url = `rtmp://127.0.0.1:${server.port}/live/${stream}`;
      run(t, need("ffmpeg"), [..."-v error -re -f lavfi".split(" "), ...args.split(" "), url]);
    };
    const picture = "-i testsrc2=size=320x180:rate=25 -t 120 -pix_fmt yuv420p -c:v libx264";
    // As OBS has it; three of four are B-frames, one of which others refer to.
    const bFrames = "-preset veryfast -bf 3 -x264-params b-adapt=0";
    ffmpeg("b", `${picture} ${bFrames} -g 100 -b:v 300k -f flv`);
    ffmpeg("aac", "-i sine=frequency=440:sample_rate=44100 -t 120 -c:a aac -ac 2 -f flv");
    const enhanced = (["av1", "vp9"] as const).map(async (codec) => {
      await publishEnhanced(t, server.port, codec);
      await plays(t, codec, 160, codec.toUpperCase());
    });
    await Promise.all([plays(t, "b", 320, "H264", 25), hears(t, "aac"), ...enhanced]);
    const { streams } = (await (await fetch(`${server.url}/api/v1/streams/`)).json()) as {
      streams: { name: string; warnings: string[] }[];
    };
    assert.match(streams.find(({ name }) => name === "b")?.warnings.join() ?? "", /bframes=0/);
  });

  async function hears(t: TestContext, stream: string): Promise<void> {
    const page = `${server.url}/players/whep.html?stream=${stream}&autostart=true`;
    const player = await openPage(browser, page);
    t.after(() => player.context().close());
    const stats = await statsWhen(player, (one) =>
      one.inbound.some(({ kind, samples }) => kind === "audio" && samples > 48_000),
    );
    assert.match(inbound(stats, "audio").codec, /opus/i);
  }

  async function plays(
    t: TestContext,
    stream: string,
    width: number,
    codec = "H264",
    frames = 50,
  ): Promise<void> {
    const player = await openPage(
      browser,
      `${server.url}/players/whep.html?stream=${stream}&autostart=true`,
    );
    t.after(() => player.context().close());
    // A decoder that fails goes on with the next keyframe. On a busy machine Chromium's path seems narrow
    // for a while, and gets keyframes alone, too.
    const stats = await statsWhen(player, (one) =>
      one.inbound.some(
        ({ framesDecoded, keyFramesDecoded }) =>
          framesDecoded > frames && framesDecoded / keyFramesDecoded > 8,
      ),
    );
    assert.equal(inbound(stats, "video").codec, `video/${codec}`);
    assert.ok(inbound(stats, "video").keyFramesDecoded >= 1);
    const size = await player.evaluate(() => document.querySelector("video")?.videoWidth);
    assert.equal(size, width);
  }
});

/** A second of a test picture, again and again, as an encoder sends it (Enhanced RTMP v2). */
async function publishEnhanced(
  t: TestContext,
  port: number,
  codec: keyof typeof ENCODERS,
): Promise<void> {
  const [fourCc, encoder] = ENCODERS[codec];
  const made = spawnSync(
    need("ffmpeg"),
    [
      ..."-v error -f lavfi -i testsrc2=size=160x90:rate=25 -frames:v 25 -pix_fmt yuv420p".split(
        " ",
      ),
      ...encoder.split(" "),
      ..."-g 25 -b:v 200k -f ivf -".split(" "),
    ],
    { timeout: 30_000 },
  );
  assert.equal(String(made.stderr), "");
  const frames = ivfFrames(made.stdout);
  assert.equal(frames.length, 25);
  const from = await openEncoder(port);
  t.after(() => from.close());
  from.publish(codec);
  await until(() => from.words.includes("NetStream.Publish.Start"), "publishing");
  let sent = 0;
  const timer = setInterval(() => {
    const at = sent % frames.length;
    const head = Buffer.from([at === 0 ? 0x91 : 0xa1, ...Buffer.from(fourCc)]);
    from.sendVideo(sent * 40, Buffer.concat([head, frames[at] ?? head]));
    sent++;
  }, 40);
  t.after(() => clearInterval(timer));
}

const ENCODERS = {
  av1: ["av01", "-c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0"],
  vp9: ["vp09", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0"],
} as const;

function ivfFrames(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = file.readUInt16LE(6); at + 12 <= file.length; ) {
    const size = file.readUInt32LE(at);
    frames.push(file.subarray(at + 12, at + 12 + size));
    at += 12 + size;
  }
  return frames;
}

function run(t: TestContext, program: string, args: readonly string[]): void {
  const child: ChildProcess = spawn(program, args, { stdio: "ignore", timeout: 150_000 });
  t.after(() => void child.kill("SIGKILL"));
}
