/** ffmpeg publishes by RTMP; ffmpeg and GStreamer play by HTTP-FLV, MPEG-TS and RTMP. @module */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";

/** Both tracks are there from the first second on. */
const SHORT = "-v error -analyzeduration 1000000".split(" ");

interface Probed {
  readonly streams: { codec_type: string; codec_name: string; sample_rate?: string }[];
}

describe("FLV", () => {
  let server: ServerProcess;
  let publisher: ChildProcess;

  before(async () => {
    server = await startServer();
    const url = `rtmp://127.0.0.1:${server.port}/live/ff`;
    publisher = spawn(
      need("ffmpeg"),
      [
        ..."-v error -re -f lavfi -i testsrc2=size=320x180:rate=25".split(" "),
        ..."-f lavfi -i sine=frequency=440:sample_rate=44100 -t 120".split(" "),
        ..."-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 50".split(" "),
        ..."-c:a aac -ac 2 -f flv".split(" "),
        url,
      ],
      { stdio: "ignore", timeout: 120_000 },
    );
    for (let i = 0; i < 300 && !(await isLive(server)); i++) await sleep(100);
  });
  after(async () => {
    publisher?.kill("SIGKILL");
    await server?.stop();
  });

  for (const [name, url] of [
    ["HTTP-FLV", (): string => `${server.url}/live/ff.flv`],
    ["MPEG-TS over HTTP", (): string => `${server.url}/live/ff.ts`],
    ["RTMP", (): string => `rtmp://127.0.0.1:${server.port}/live/ff`],
  ] as const) {
    test(`ffprobe finds the H.264 and AAC of an RTMP publisher by ${name}, and ffmpeg decodes both in step`, () => {
      const probed = run("ffprobe", [...SHORT, "-of", "json", "-show_streams", url()]);
      assert.equal(probed.errors, "");
      const { streams } = JSON.parse(probed.output) as Probed;
      assert.deepEqual(streams.map(({ codec_name }) => codec_name).sort(), ["aac", "h264"]);
      const decoded = run("ffmpeg", [
        ...SHORT,
        ..."-copyts -i".split(" "),
        url(),
        ..."-t 3 -f framecrc -".split(" "),
      ]);
      assert.equal(decoded.errors, "");
      const first = { "0": Number.NaN, "1": Number.NaN };
      let frames = 0;
      const rates = /#tb 0: 1\/(\d+)\n.*?#tb 1: 1\/(\d+)/s.exec(decoded.output);
      for (const line of decoded.output.split("\n")) {
        const [track, , pts] = line.split(",").map((part) => part.trim());
        if (track !== "0" && track !== "1") continue;
        frames++;
        if (Number.isNaN(first[track]))
          first[track] = Number(pts) / Number(rates?.[Number(track) + 1]);
      }
      assert.ok(frames > 60, `${frames} frames`);
      assert.ok(Math.abs(first[0] - first[1]) < 0.25, `${first[0]} and ${first[1]} s`);
    });
  }

  test("the demo's pictures are decoded without an error, and GStreamer plays RTMP", () => {
    const demo = run("ffmpeg", [
      ..."-v error -i".split(" "),
      `${server.url}/live/demo.flv`,
      ..."-t 2 -map 0:v -f framecrc -".split(" "),
    ]);
    assert.equal(demo.errors, "");
    assert.ok(demo.output.split("\n").length > 40);
    for (const plugin of ["base", "flv", "rtmp"] as const) need(`gstreamer ${plugin}`);
    const played = run("gst-launch-1.0", [
      "-q",
      "rtmp2src",
      `location=rtmp://127.0.0.1:${server.port}/live/ff`,
      ..."! flvdemux name=d d.video ! queue ! h264parse".split(" "),
      ..."! identity eos-after=51 ! fakesink sync=false".split(" "),
      ..."d.audio ! queue ! identity eos-after=80 ! fakesink sync=false".split(" "),
    ]);
    assert.equal(played.status, 0, played.errors);
  });

  test("GStreamer's tsdemux takes the transport stream from its first byte on, and decodes both tracks", async () => {
    for (const plugin of ["openh264", "faad", "mpegtsdemux"] as const) need(`gstreamer ${plugin}`);
    const bytes = await takePictures(`${server.url}/live/ff.ts`, 60);
    const decoded = (decoder: string): number => {
      const args = `-q fdsrc fd=0 ! tsdemux ! ${decoder} ! fdsink fd=1`.split(" ");
      const { status, stdout, stderr } = spawnSync(need("gst-launch-1.0"), args, {
        ...{ input: bytes, timeout: 30_000, maxBuffer: 64 * 1024 * 1024 },
      });
      assert.equal(status, 0, `${stderr}`);
      return stdout.length;
    };
    const pictures = decoded("h264parse ! openh264dec") / (320 * 180 * 1.5);
    assert.ok(pictures >= 58, `${pictures} pictures`);
    const samples = decoded("aacparse ! faad ! audio/x-raw,format=S16LE") / 4;
    assert.ok(samples >= 1.5 * 44_100, `${samples} samples`);
  });
});

/** A transport stream from its beginning, until so many pictures have begun. */
async function takePictures(url: string, pictures: number): Promise<Buffer> {
  const reader = (await fetch(url, { signal: AbortSignal.timeout(30_000) })).body?.getReader();
  let bytes = Buffer.alloc(0);
  for (let begun = 0, at = 0; begun < pictures; ) {
    const { value } = (await reader?.read()) ?? {};
    if (value === undefined) break;
    bytes = Buffer.concat([bytes, value]);
    // payload_unit_start_indicator, and the PID of pictures.
    for (; at + 188 <= bytes.length; at += 188) if (bytes.readUInt16BE(at + 1) === 0x4100) begun++;
  }
  await reader?.cancel();
  return bytes;
}

function run(
  program: "ffmpeg" | "ffprobe" | "gst-launch-1.0",
  args: readonly string[],
): { status: number | null; output: string; errors: string } {
  const { status, stdout, stderr } = spawnSync(need(program), args, {
    encoding: "utf8",
    timeout: 90_000,
  });
  return { status, output: stdout, errors: stderr };
}

async function isLive({ url }: ServerProcess): Promise<boolean> {
  return /"name":"ff".*?"active":true/.test(await (await fetch(`${url}/api/v1/streams/`)).text());
}

function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
