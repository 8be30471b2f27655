/** What a fragment of MP4 (ISO/IEC 14496-12) holds, as values: tracks, runs, samples. @module */
import type { FrameFormat } from "../../stream/mod.ts";

/** One coded frame in a fragment; times in ticks of its track. */
export interface Mp4Sample {
  readonly duration: number;
  /** What shows it later than it is decoded. */
  readonly compositionOffset: number;
  readonly keyframe: boolean;
  readonly data: Uint8Array;
}

export interface Mp4Track {
  /** From 1 on. */
  readonly id: number;
  readonly format: FrameFormat;
  /** Ticks per second. */
  readonly timescale: number;
}

/** Samples of one track that follow each other. */
export interface Mp4Run {
  readonly track: Mp4Track;
  /** When the first is decoded, in ticks. */
  readonly baseTime: number;
  readonly samples: readonly Mp4Sample[];
}

const CODECS: ReadonlySet<string> = new Set(["h264", "h265", "av1", "vp9", "aac", "opus"]);

/** Whether players take the codec in MP4: no browser takes VP8 there. */
export function fitsMp4(format: FrameFormat): boolean {
  return CODECS.has(format.codec);
}

/** Ticks per second in which frames of a format are timed. */
export function timescaleOf(format: FrameFormat): number {
  if (format.kind === "video") return 90_000;
  return format.sampleRate > 0 ? format.sampleRate : 48_000;
}
