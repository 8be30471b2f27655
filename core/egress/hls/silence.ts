/** Frames of sound that are silent, to stand where a track has ceased to come. @module */
import type { Millis } from "../../base/mod.ts";
import type { FrameFormat } from "../../stream/mod.ts";

export interface Silence {
  readonly data: Uint8Array;
  /** How long one lasts. */
  readonly duration: Millis;
}

/** One packet of CELT of 20 ms, as clients of voice chats send it; of any number of channels. */
const OPUS: Silence = { data: Uint8Array.of(0xf8, 0xff, 0xfe), duration: 20 };
/** AAC-LC of one and two channels: scale factors, and no spectrum. */
const AAC: readonly (Uint8Array | undefined)[] = [
  undefined,
  Uint8Array.of(0x00, 0xc8, 0x00, 0x80, 0x23, 0x80),
  Uint8Array.of(0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80),
];
const AAC_SAMPLES = 1024;

/** `undefined` where there is none of this format. */
export function silenceOf({
  codec,
  codecString,
  channels,
  sampleRate,
}: FrameFormat): Silence | undefined {
  if (codec === "opus") return OPUS;
  const data = codec === "aac" && codecString === "mp4a.40.2" ? AAC[channels] : undefined;
  if (data === undefined || sampleRate <= 0) return undefined;
  return { data, duration: (AAC_SAMPLES * 1000) / sampleRate };
}
