/** Segments made of ffmpeg's frames, of MPEG-TS and MP4, read and decoded by ffmpeg and GStreamer. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Frame } from "../../core/stream/mod.ts";
import { loadRuntime } from "../../runtime/mod.ts";
import {
  type CompleteSegment,
  HlsMuxer,
  MP4,
  type SegmentFormat,
  TS,
} from "../../server/hls/mod.ts";
import { brokenRules, readPlaylist } from "../core/egress/hls/playlist_rules.ts";
import { brokenPackets } from "../core/egress/ts/packet_rules.ts";
import { need } from "../tools.ts";
import { type Clip, makeClip, play } from "./clips.ts";

const SECONDS = 6;

describe("MPEG-TS read by strangers", () => {
  let directory: string;
  let sound: Clip;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "monoport-ts-"));
    sound = makeClip("aac", SECONDS, 0);
  });
  after(() => rmSync(directory, { recursive: true }));

  for (const [codec, parser] of [
    ["h264", "h264parse"],
    ["h265", "h265parse"],
  ] as const) {
    test(`${codec} and AAC: every frame decodes, with its time`, async () => {
      const clip = makeClip(codec, SECONDS, 0);
      const { path, segments } = await written(join(directory, `${codec}.ts`), [clip, sound]);
      assert.equal(segments.length, 3);
      // Each segment by itself, and one counter through all of them.
      const counters = new Map<number, number>();
      for (const one of segments) {
        assert.deepEqual(brokenPackets(one), []);
        assert.deepEqual(brokenPackets(one, counters), []);
      }
      const probed = run("ffprobe", [
        ..."-v warning -of json -show_entries".split(" "),
        "stream=codec_name,width,height,sample_rate,channels:packet=codec_type,pts_time,dts_time,flags",
        path,
      ]);
      const { packets, streams } = JSON.parse(probed) as Probed;
      assert.deepEqual(
        streams.map(({ codec_name, width, sample_rate }) => [codec_name, width ?? sample_rate]),
        [
          [codec === "h265" ? "hevc" : "h264", 320],
          ["aac", "48000"],
        ],
      );
      const pictures = packets.filter(({ codec_type }) => codec_type === "video");
      assert.deepEqual(
        pictures.map((one) => [ms(one.dts_time), ms(one.pts_time), one.flags.startsWith("K")]),
        clip.frames.map((one) => [rounded(one.dts + 1400), rounded(one.pts + 1400), one.keyframe]),
      );
      // Of the last frame nobody knows how long it lasts: it is there all the same.
      const sounds = packets.filter(({ codec_type }) => codec_type === "audio");
      assert.equal(sounds.length, sound.frames.length);
      run("ffmpeg", ["-v", "warning", "-xerror", "-i", path, "-f", "null", "-"]);
      // tsdemux is of the same plugins as rtmp2, aacparse of those of flv.
      for (const plugin of ["gstreamer rtmp", "gstreamer flv"] as const) need(plugin);
      const gst = spawnSync(
        need("gst-launch-1.0"),
        [
          ...["-q", "filesrc", `location=${path}`],
          ...`! tsdemux name=d d. ! queue ! ${parser} ! identity eos-after=140`.split(" "),
          ..."! fakesink sync=false d. ! queue ! aacparse ! fakesink sync=false".split(" "),
        ],
        { encoding: "utf8", timeout: 90_000 },
      );
      assert.equal(gst.status, 0, gst.stderr);
      assert.equal(gst.stderr, "");
    });
  }
});

describe("silence decoded by ffmpeg", () => {
  for (const [codec, channels] of [
    ["aac", 2],
    ["aac", 1],
    ["opus", 2],
  ] as const) {
    test(`${codec} of ${channels} channels is silent`, async (t) => {
      const root = mkdtempSync(join(tmpdir(), "monoport-silence-"));
      t.after(() => rmSync(root, { recursive: true }));
      const [clip, sound] = [makeClip("h264", SECONDS, 0), makeClip(codec, 1, 0)];
      const configuration = channels === 1 ? Uint8Array.of(0x11, 0x88) : sound.format.configuration;
      const format = { ...sound.format, channels, configuration, codecString: CODECS[codec] };
      const bytes: Uint8Array[] = [];
      const muxer = await muxerOf(MP4, (one) => {
        if (bytes.length === 0) bytes.push(one.init ?? new Uint8Array(0));
        bytes.push(one.bytes);
      });
      // One frame of sound, so that all else is silence.
      play(
        [clip, { format, frames: channels === 1 ? [SILENT_MONO] : sound.frames.slice(0, 1) }],
        muxer,
      );
      muxer.handleEnd();
      const path = join(root, "one.mp4");
      writeFileSync(path, Buffer.concat(bytes));
      const args = "-v error -xerror -ss 1 -i".split(" ");
      const detect = "-map 0:a -af astats=metadata=0 -f null -".split(" ");
      assert.equal(run("ffmpeg", [...args, path, ...detect]), "");
      const stats = spawnSync(need("ffmpeg"), ["-v", "info", "-ss", "1", "-i", path, ...detect], {
        encoding: "utf8",
        timeout: 90_000,
      });
      const [, peak = ""] = /Peak level dB: (\S+)/.exec(stats.stderr) ?? [];
      assert.ok(peak === "-inf" || Number(peak) < -80, `${peak} dB`);
      const [, samples = "0"] = /Number of samples: (\d+)/.exec(stats.stderr) ?? [];
      assert.ok(Number(samples) > 3 * 48_000, `${samples} samples`);
    });
  }
});

const CODECS = { aac: "mp4a.40.2", opus: "opus" } as const;
const SILENT_MONO: Frame = {
  ...({ kind: "audio", dts: 0, pts: 0, keyframe: true } as const),
  data: Uint8Array.of(0x00, 0xc8, 0x00, 0x80, 0x23, 0x80),
};

describe("HLS of MP4 read by ffmpeg", () => {
  for (const codec of ["h265", "av1", "vp9"] as const) {
    test(`${codec} and Opus: every frame decodes, with its time`, async (t) => {
      const root = mkdtempSync(join(tmpdir(), "monoport-hls-"));
      t.after(() => rmSync(root, { recursive: true }));
      const [clip, sound] = [makeClip(codec, 4, 0), makeClip("opus", 4, 0)];
      const muxer = await muxerOf(MP4, ({ name, bytes, init }) => {
        writeFileSync(join(root, name), bytes);
        writeFileSync(join(root, "0-init0.mp4"), init ?? new Uint8Array(0));
      });
      play([clip, sound], muxer);
      muxer.handleEnd();
      muxer.close();
      const text = muxer.playlist("media");
      assert.deepEqual(brokenRules(text), []);
      assert.equal(readPlaylist(text).segments.length, 2);
      const path = join(root, "media.m3u8");
      writeFileSync(path, text);
      const fields = "packet=codec_type,pts_time";
      const args = `-v error -allowed_extensions ALL -of json -show_entries ${fields}`.split(" ");
      const { packets } = JSON.parse(run("ffprobe", [...args, path])) as Probed;
      const times = packets
        .filter((one) => one.codec_type === "video")
        .map((one) => ms(one.pts_time));
      const first = clip.frames[0]?.pts ?? 0;
      const told = clip.frames.map(({ pts }) => rounded(pts - first));
      const shift = Math.min(...times);
      assert.deepEqual(
        times.map((time) => time - shift),
        told.map((time) => time - Math.min(...told)),
      );
      const decode = ["-v", "error", "-xerror", "-allowed_extensions", "ALL", "-i", path];
      run("ffmpeg", [...decode, "-f", "null", "-"]);
    });
  }
});

interface Probed {
  readonly packets: readonly {
    readonly codec_type: string;
    readonly pts_time: string;
    readonly dts_time: string;
    readonly flags: string;
  }[];
  readonly streams: readonly {
    readonly codec_name: string;
    readonly width?: number;
    readonly sample_rate?: string;
  }[];
}

function ms(text: string): number {
  return Math.round(Number(text) * 1000);
}

function rounded(value: number): number {
  return Math.round(value);
}

async function muxerOf(
  format: SegmentFormat,
  onSegment: (segment: CompleteSegment) => void,
): Promise<HlsMuxer> {
  return new HlsMuxer({
    prefix: "0",
    runtime: await loadRuntime(),
    fragmentMillis: 2000,
    windowMillis: 30_000,
    partMillis: 400,
    format,
    onSegment,
  });
}

/** All segments of the clips as one file. */
async function written(
  path: string,
  clips: readonly Clip[],
): Promise<{ path: string; segments: readonly Uint8Array[] }> {
  const segments: Uint8Array[] = [];
  const muxer = await muxerOf(TS, ({ bytes }) => segments.push(bytes));
  play(clips, muxer);
  muxer.handleEnd();
  writeFileSync(path, Buffer.concat(segments));
  return { path, segments };
}

/** Standard output of a program that has nothing to complain of. */
function run(program: "ffmpeg" | "ffprobe", args: readonly string[]): string {
  const child = spawnSync(need(program), args, { encoding: "utf8", timeout: 90_000 });
  assert.equal(child.stderr, "");
  assert.equal(child.status, 0);
  return child.stdout;
}
