/** What decoders and encoders are told. @module */

/** Codecs that can be decoded; of them AAC-LC and Opus can be encoded. */
export type SoundCodec = "opus" | "aac" | "mp3" | "pcma" | "pcmu";
export type TargetCodec = "aac" | "opus";

/** As in `FrameFormat`, of sound. */
export interface SoundFormat {
  readonly codec: SoundCodec;
  readonly configuration: Uint8Array;
  readonly sampleRate: number;
  readonly channels: number;
}

/** Of all that is put out. */
export const SAMPLE_RATE = 48_000;
/** The most that is put out; of more channels two are made. */
export const MOST_CHANNELS = 2;
/** Longest packet of sound that is decoded. */
export const PACKET_MAX_BYTES = 8192;
/** Longest configuration. */
export const CONFIGURATION_MAX_BYTES = 256;

/** As the module numbers them. */
export const CODEC_NUMBER: Readonly<Record<SoundCodec, number>> = {
  opus: 0,
  aac: 1,
  mp3: 2,
  pcma: 3,
  pcmu: 4,
};

export function isSoundCodec(codec: string): codec is SoundCodec {
  return Object.hasOwn(CODEC_NUMBER, codec);
}
