/** Coded frames out of MP4 files that ffmpeg made. @module */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFile, MP4BoxBuffer, type Sample } from "mp4box";
import type { Mp4Run, Mp4Track } from "../../core/egress/mp4/mod.ts";
import type { Frame, FrameCodec, FrameFormat, FrameSink } from "../../core/stream/mod.ts";
import { need } from "../tools.ts";

type ClipCodec = "h264" | "h265" | "vp9" | "av1" | "aac" | "opus";

/** ffmpeg's encoder of each codec, and the box of its configuration. */
export const ENCODERS: Readonly<
  Record<ClipCodec, { readonly encoder: string; readonly box: string }>
> = {
  h264: { encoder: "libx264 -preset ultrafast -bf 2", box: "avcC" },
  h265: {
    encoder: "libx265 -preset ultrafast -tag:v hvc1 -x265-params log-level=error",
    box: "hvcC",
  },
  vp9: { encoder: "libvpx-vp9 -deadline realtime -cpu-used 8", box: "vpcC" },
  av1: { encoder: "libsvtav1 -preset 12", box: "av1C" },
  aac: { encoder: "aac", box: "esds" },
  opus: { encoder: "libopus", box: "dOps" },
};

export interface Clip {
  readonly format: FrameFormat;
  /** From `from` on, in ms. */
  readonly frames: readonly Frame[];
}

/** So many seconds of a test picture (16:9, 25 a second, a keyframe every 2 s), or of a tone. */
export function makeClip(codec: ClipCodec, seconds: number, from: number, width = 320): Clip {
  const directory = mkdtempSync(join(tmpdir(), "monoport-clip-"));
  try {
    const path = join(directory, "clip.mp4");
    const { encoder, box } = ENCODERS[codec];
    const video = codec !== "aac" && codec !== "opus";
    const height = (width * 9) / 16;
    const input = video
      ? `testsrc2=size=${width}x${height}:rate=25`
      : "sine=frequency=440:sample_rate=48000";
    const how = video ? "-pix_fmt yuv420p -g 50 -keyint_min 50 -c:v" : "-ac 2 -c:a";
    const args = `-v error -f lavfi -i ${input} -t ${seconds} ${how} ${encoder}`.split(" ");
    const made = spawnSync(need("ffmpeg"), [...args, path], { encoding: "utf8", timeout: 60_000 });
    if (made.status !== 0) throw new Error(`ffmpeg made no ${codec}: ${made.stderr}`);
    const { format, samples } = demux(path, codec, box);
    const frames = samples.map(({ dts, cts, timescale, is_sync, data }) => ({
      kind: format.kind,
      dts: from + (dts * 1000) / timescale,
      pts: from + (cts * 1000) / timescale,
      keyframe: is_sync,
      data: data ?? new Uint8Array(0),
    }));
    const size = video ? { width, height } : { sampleRate: 48_000 };
    return { format: { ...format, ...size }, frames };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Publishes clips to a sink, in order of decoding. */
export function play(clips: readonly Clip[], sink: FrameSink): void {
  for (const { format } of clips) sink.handleFormat(format);
  const frames = clips.flatMap((clip) => clip.frames);
  for (const frame of [...frames].sort((a, b) => a.dts - b.dts)) sink.handleFrame(frame);
}

/** A file's only track, out of mp4box. `box` is that of the decoder configuration. */
export function demux(
  path: string,
  codec: FrameCodec,
  box: string,
): { format: FrameFormat; samples: Sample[]; file: Buffer } {
  const bytes = readFileSync(path);
  const file = createFile();
  const samples: Sample[] = [];
  let codecString = "";
  file.onReady = ({ tracks }) => {
    codecString = tracks[0]?.codec ?? "";
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
    codecString,
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

export function runOf(track: Mp4Track, samples: readonly Sample[]): Mp4Run {
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
