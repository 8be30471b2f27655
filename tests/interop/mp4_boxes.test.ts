/** Frames of ffmpeg's encoders, put into our boxes, read and decoded by ffmpeg. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { createFile, MP4BoxBuffer, type Sample } from "mp4box";
import { type Mp4Run, type Mp4Track, timescaleOf } from "../../core/egress/mp4/mod.ts";
import type { FrameCodec, FrameFormat } from "../../core/stream/mod.ts";
import { fragment, initSegment } from "../../server/mp4_boxes/mod.ts";
import { need } from "../tools.ts";

interface Case {
  readonly codec: FrameCodec;
  readonly encoder: string;
  readonly box: string;
  /** What ffprobe calls it. */
  readonly probed: string;
}

const CASES: readonly Case[] = [
  {
    codec: "h264",
    encoder: "libx264 -preset ultrafast -bf 2",
    box: "avcC",
    probed: "h264,640x360",
  },
  {
    codec: "h265",
    encoder: "libx265 -preset ultrafast -tag:v hvc1",
    box: "hvcC",
    probed: "hevc,640x360",
  },
  {
    codec: "vp9",
    encoder: "libvpx-vp9 -deadline realtime -cpu-used 8",
    box: "vpcC",
    probed: "vp9,640x360",
  },
  { codec: "av1", encoder: "libsvtav1 -preset 12", box: "av1C", probed: "av1,640x360" },
  { codec: "aac", encoder: "aac", box: "esds", probed: "aac,LC,44100,2" },
  { codec: "opus", encoder: "libopus", box: "dOps", probed: "opus,48000,2" },
];

describe("MP4 boxes read by ffmpeg", () => {
  for (const { codec, encoder, box, probed } of CASES) {
    test(`${codec}: every frame decodes, with its time`, (t) => {
      const directory = mkdtempSync(join(tmpdir(), "monoport-mp4-"));
      t.after(() => rmSync(directory, { recursive: true }));
      const source = join(directory, "source.mp4");
      const video = box !== "esds" && box !== "dOps";
      const input = video
        ? "testsrc2=size=640x360:rate=25"
        : "sine=frequency=440:sample_rate=44100";
      run(t, "ffmpeg", [
        ..."-v error -f lavfi -i".split(" "),
        input,
        ...`-t 1 ${video ? "-pix_fmt yuv420p -g 10 -c:v" : "-ac 2 -c:a"} ${encoder}`.split(" "),
        source,
      ]);
      const { format, samples, file } = demux(source, codec, box);
      const track: Mp4Track = { id: 1, format, timescale: timescaleOf(format) };
      const made = join(directory, "made.mp4");
      const half = Math.floor(samples.length / 2);
      const parts = [samples.slice(0, half), samples.slice(half)];
      const all = parts.map((some, i) => fragment(i + 1, [runOf(track, some)]));
      writeFileSync(made, Buffer.concat([initSegment([track]), ...all]));
      const fields = "stream=codec_name,profile,width,height,sample_rate,channels";
      const shown = run(t, "ffprobe", [
        "-v",
        "warning",
        "-of",
        "json",
        "-show_entries",
        fields,
        made,
      ]);
      const [stream] = (JSON.parse(shown) as { streams: Record<string, unknown>[] }).streams;
      const { codec_name, profile, width, height, sample_rate, channels } = stream ?? {};
      const size = video ? `${width}x${height}` : `${sample_rate},${channels}`;
      assert.equal(`${codec_name},${codec === "aac" ? `${profile},` : ""}${size}`, probed);
      assert.equal(timesOf(t, made).length, samples.length);
      if (video) assert.deepEqual(timesOf(t, made), timesOf(t, source));
      run(t, "ffmpeg", ["-v", "error", "-xerror", "-i", made, "-f", "null", "-"]);
      assert.ok(file.length > 0);
    });
  }
});

/** Standard output of a program that has nothing to complain of. */
function run(t: TestContext, program: "ffmpeg" | "ffprobe", args: readonly string[]): string {
  const child = spawnSync(need(program), args, { encoding: "utf8", timeout: 30_000 });
  // libx265 and SVT-AV1 write their own lines there.
  if (child.stderr !== "") t.diagnostic(child.stderr);
  if (program === "ffprobe") assert.equal(child.stderr, "");
  assert.equal(child.status, 0, child.stderr);
  return child.stdout;
}

/** Decoding and presentation times of a file's packets, in ms from the first. */
function timesOf(t: TestContext, path: string): [number, number][] {
  const text = run(t, "ffprobe", [
    ..."-v error -of csv=p=0 -show_entries packet=dts_time,pts_time".split(" "),
    path,
  ]);
  const rows = text
    .trim()
    .split("\n")
    .map((row) => row.split(",").map(Number));
  const first = rows[0]?.[1] ?? 0;
  return rows.map(([pts = 0, dts = 0]) => [
    Math.round((pts - first) * 1000),
    Math.round((dts - first) * 1000),
  ]);
}

function demux(
  path: string,
  codec: FrameCodec,
  box: string,
): { format: FrameFormat; samples: Sample[]; file: Buffer } {
  const bytes = readFileSync(path);
  const file = createFile();
  const samples: Sample[] = [];
  file.onReady = ({ tracks }) => {
    file.setExtractionOptions(tracks[0]?.id ?? 1, null, { nbSamples: 100_000 });
    file.start();
  };
  file.onSamples = (_id, _user, some) => samples.push(...some);
  const buffer = new Uint8Array(bytes).buffer;
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(buffer, 0));
  file.flush();
  const { type, ...about } = aboutOf(codec);
  const format = {
    kind: type,
    codec,
    codecString: "",
    configuration: configurationOf(bytes, box),
    ...about,
  };
  return { format, samples, file: bytes };
}

function aboutOf(codec: FrameCodec): {
  type: "video" | "audio";
  width: number;
  height: number;
  sampleRate: number;
  channels: number;
} {
  if (codec === "aac" || codec === "opus")
    return {
      type: "audio",
      width: 0,
      height: 0,
      sampleRate: codec === "aac" ? 44_100 : 48_000,
      channels: 2,
    };
  return { type: "video", width: 640, height: 360, sampleRate: 0, channels: 0 };
}

function configurationOf(bytes: Buffer, box: string): Uint8Array {
  const at = bytes.indexOf(box, 0, "latin1");
  const contents = bytes.subarray(at + 4, at - 4 + bytes.readUInt32BE(at - 4));
  if (box === "vpcC") return contents.subarray(4);
  if (box === "dOps") return new Uint8Array(0); // as ours for WebRTC's Opus, where nothing is told
  if (box !== "esds") return contents;
  const specific = contents.indexOf(Buffer.from([5, 0x80, 0x80, 0x80]));
  return contents.subarray(specific + 5, specific + 5 + (contents[specific + 4] ?? 0));
}

function runOf(track: Mp4Track, samples: readonly Sample[]): Mp4Run {
  const ticks = (time: number, timescale: number): number =>
    Math.round((time * track.timescale) / timescale);
  return {
    track,
    baseTime: ticks(samples[0]?.dts ?? 0, samples[0]?.timescale ?? 1),
    samples: samples.map(({ duration, dts, cts, timescale, is_sync, data }) => ({
      duration: ticks(duration, timescale),
      compositionOffset: ticks(cts - dts, timescale),
      keyframe: is_sync,
      data: data ?? new Uint8Array(0),
    })),
  };
}
