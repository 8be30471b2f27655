/** Formats and runs of transport streams. @module */
import { type Mp4Run, type Mp4Sample, timescaleOf } from "../../../../core/egress/mp4/mod.ts";
import type { FrameFormat } from "../../../../core/stream/mod.ts";

/** AAC-LC, 48 kHz, stereo. */
export const AAC: FrameFormat = {
  kind: "audio",
  codec: "aac",
  codecString: "mp4a.40.2",
  configuration: Uint8Array.of(0x11, 0x90),
  width: 0,
  height: 0,
  sampleRate: 48_000,
  channels: 2,
};

const SPS = [0x67, 0x42, 0xc0, 0x1e, 1, 2];
const PPS = [0x68, 0xce, 3];

/** With parameter sets that nobody decodes. */
export const H264_TS: FrameFormat = {
  kind: "video",
  codec: "h264",
  codecString: "avc1.42c01e",
  configuration: Uint8Array.of(1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 6, ...SPS, 1, 0, 3, ...PPS),
  width: 640,
  height: 360,
  sampleRate: 0,
  channels: 0,
};

/** One NAL unit of so many bytes. */
export function picture(bytes: number, type = 0x65): Uint8Array {
  const data = new Uint8Array(4 + bytes).fill(0xab);
  new DataView(data.buffer).setUint32(0, bytes);
  data[4] = type;
  return data;
}

export function runOf(format: FrameFormat, baseTime: number, samples: Mp4Sample[]): Mp4Run {
  const id = format.kind === "video" ? 1 : 2;
  return { track: { id, format, timescale: timescaleOf(format) }, baseTime, samples };
}

export function sample(
  data: Uint8Array,
  duration: number,
  keyframe = true,
  compositionOffset = 0,
): Mp4Sample {
  return { data, duration, keyframe, compositionOffset };
}
