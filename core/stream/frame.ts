/** Coded pictures and sound as muxers take them, and what is said about them first. @module */
import type { Millis } from "../base/mod.ts";
import type { CodecName, MediaKind } from "../media/mod.ts";

/** Codecs of frames: those that RTP carries here, and what RTMP brings beside them. */
export type FrameCodec = CodecName | "aac" | "mp3";

/** What a decoder needs to know before the first frame of a track. */
export interface FrameFormat {
  readonly kind: MediaKind;
  readonly codec: FrameCodec;
  /** As in `codecs=` (RFC 6381): `avc1.42c01e`, `mp4a.40.2`, `opus`. */
  readonly codecString: string;
  /**
   * The decoder configuration: AVC or HEVC record (ISO/IEC 14496-15 §5.3.3.1, §8.3.3.1), av1C, vpcC
   * (their boxes' contents), OpusHead (RFC 7845 §5.1), AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1).
   * Empty where there is none.
   */
  readonly configuration: Uint8Array;
  /** In pixels, 0 for sound. */
  readonly width: number;
  readonly height: number;
  /** In Hz, and of sound alone; 0 for pictures. */
  readonly sampleRate: number;
  readonly channels: number;
}

/**
 * One coded picture, or one packet of sound. Shared by all who take it: `data` is never changed.
 *
 * `data` is for H.264 and H.265 the NAL units of the picture, each behind its length in 4 bytes,
 * without parameter sets and delimiters; for AV1 the OBUs, each with its size, without temporal
 * delimiters; for the rest the frame as the codec defines it.
 */
export interface Frame {
  readonly kind: MediaKind;
  /**
   * When it is decoded and shown, in ms with fractions, on one timeline for all tracks of the stream.
   * `dts` never goes back within a track.
   */
  readonly dts: Millis;
  readonly pts: Millis;
  /** Whether decoding can begin with it; always, for sound. */
  readonly keyframe: boolean;
  readonly data: Uint8Array;
}

/** Takes the frames of a stream, in order of their coming. */
export interface FrameSink {
  /** Before the first frame of a track, and whenever what it says changes. */
  handleFormat(format: FrameFormat): void;
  handleFrame(frame: Frame): void;
  /** Nobody publishes the stream any more; another publisher may come, with formats anew. */
  handleEnd(): void;
}
