/** GStreamer publishes and plays by RTMP; what ffmpeg publishes with B-frames, or as sound alone, by every way out. @module */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { after, before, describe, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";

const execute = promisify(execFile);

describe("RTMP of strangers", { concurrency: true }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServer({ args: ["--demo", "off", "--vhost.hls.hls_fragment", "1"] });
  });
  after(() => server?.stop());

  test("GStreamer publishes by flvmux and rtmp2sink, and plays by rtmp2src", async (t) => {
    for (const set of ["base", "flv", "rtmp", "x264", "voaacenc", "openh264", "faad"] as const) {
      need(`gstreamer ${set}`);
    }
    const location = `location=rtmp://127.0.0.1:${server.port}/live/gst`;
    publish(t, "gst-launch-1.0", [
      ..."-q videotestsrc is-live=true ! video/x-raw,width=160,height=90,framerate=25/1".split(" "),
      ..."! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=200".split(" "),
      ..."! video/x-h264,profile=baseline ! h264parse ! queue ! mux. audiotestsrc is-live=true ! audioconvert".split(
        " ",
      ),
      ..."! voaacenc ! aacparse ! queue ! mux. flvmux name=mux streamable=true ! rtmp2sink".split(
        " ",
      ),
      location,
    ]);
    await live(server, "gst");
    await run("gst-launch-1.0", [
      ...["-q", "rtmp2src", location],
      ..."! flvdemux name=d d.video ! queue ! h264parse ! openh264dec".split(" "),
      ..."! identity eos-after=30 ! fakesink sync=false d.audio ! queue ! aacparse ! faad".split(
        " ",
      ),
      ..."! identity eos-after=30 ! fakesink sync=false".split(" "),
    ]);
  });

  test("B-frames come out of HTTP-FLV, RTMP and HLS in order and 40 ms apart", async (t) => {
    publish(t, "ffmpeg", [
      ..."-v error -re -f lavfi -i testsrc2=size=160x90:rate=25 -f lavfi -i sine".split(" "),
      ..."-t 120 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 3 -g 25 -b:v 200k".split(" "),
      ..."-x264-params b-adapt=0:b-pyramid=normal -c:a aac -f flv".split(" "),
      `rtmp://127.0.0.1:${server.port}/live/b`,
    ]);
    await live(server, "b");
    await Promise.all(
      waysOut(server, "b").map(async ([way, url]) => {
        const packets = await run("ffprobe", [
          ..."-v error -select_streams v -show_entries packet=pts,dts -of csv=p=0".split(" "),
          ...["-read_intervals", "%+2", url],
        ]);
        const rows = packets
          .trim()
          .split("\n")
          .map((row) => row.split(",").map(Number));
        assert.ok(rows.filter(([pts, dts]) => pts !== dts).length > 10, `${way}: ${packets}`);
        const shown = await run("ffmpeg", [
          ...["-v", "error", "-i", url],
          ..."-t 2 -map 0:v -fps_mode passthrough -enc_time_base 1/1000 -f framecrc -".split(" "),
        ]);
        const times = shown.split("\n").flatMap((line) => {
          const [track, , pts] = line.split(",");
          return track?.trim() === "0" && pts !== undefined ? [Number(pts)] : [];
        });
        assert.ok(times.length >= 40, `${way}: ${times.length} pictures`);
        const steps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
        assert.ok(
          steps.every((step) => Math.abs(step - 40) <= 1),
          `${way}: ${steps.join(" ")}`,
        );
      }),
    );
  });

  test("AAC or MP3 alone is live, and heard by HTTP-FLV, RTMP and HLS", async (t) => {
    const ways = Object.entries({ aac: "aac", mp3: "libmp3lame" }).map(
      async ([stream, encoder]) => {
        publish(t, "ffmpeg", [
          ..."-v error -re -f lavfi -i sine=frequency=440:sample_rate=44100 -t 40".split(" "),
          ...["-c:a", encoder, "-f", "flv", `rtmp://127.0.0.1:${server.port}/live/${stream}`],
        ]);
        await live(server, stream);
        await Promise.all(
          waysOut(server, stream).map(([way, url]) => hears(`${stream} by ${way}`, url)),
        );
      },
    );
    await Promise.all(ways);
  });
});

/** ffmpeg's sine has an amplitude of 1/8: -21 dB. */
async function hears(what: string, url: string): Promise<void> {
  const levels = await run("ffmpeg", [
    // It waits for more tracks for so long, in microseconds.
    ...["-v", "error", "-analyzeduration", "300000", "-i", url],
    ..."-t 1 -af astats=metadata=1,ametadata=print:key=lavfi.astats.Overall.RMS_level:file=-".split(
      " ",
    ),
    ..."-f null -".split(" "),
  ]);
  const last = [...levels.matchAll(/RMS_level=(-?[\d.]+)/g)].at(-1)?.[1];
  assert.ok(Math.abs(Number(last) + 21) < 1.5, `${what}: ${last} dB`);
}

function waysOut({ url, port }: ServerProcess, stream: string): [string, string][] {
  return [
    ["HTTP-FLV", `${url}/live/${stream}.flv`],
    ["RTMP", `rtmp://127.0.0.1:${port}/live/${stream}`],
    ["HLS", `${url}/live/${stream}.m3u8`],
  ];
}

function publish(t: TestContext, tool: "ffmpeg" | "gst-launch-1.0", args: readonly string[]): void {
  const child = spawn(need(tool), args, { stdio: "ignore", timeout: 150_000 });
  t.after(() => void child.kill("SIGKILL"));
}

/** What it prints; it must say nothing of errors. */
async function run(
  tool: "ffmpeg" | "ffprobe" | "gst-launch-1.0",
  args: readonly string[],
): Promise<string> {
  const { stdout, stderr } = await execute(need(tool), args, { timeout: 90_000 });
  assert.equal(stderr, "");
  return stdout;
}

async function live({ url }: ServerProcess, stream: string): Promise<void> {
  for (let i = 0; i < 600; i++) {
    const { streams } = (await (await fetch(`${url}/api/v1/streams/`)).json()) as {
      streams: { name: string; publish: { active: boolean } }[];
    };
    if (streams.some(({ name, publish }) => name === stream && publish.active)) return;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new Error(`${stream} did not become live`);
}
