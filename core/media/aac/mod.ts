/** AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1), as far as players need it. @module */
import { Fault } from "../../base/mod.ts";
import { BitReader } from "../../bytes/mod.ts";

export const BAD_AUDIO_CONFIG: Fault = /* @__PURE__ */ new Fault(
  "core/media/aac",
  "bad-audio-config",
  "ISO/IEC 14496-3 §1.6.2.1",
);

export interface AudioSpecificConfig {
  /** 2 is AAC-LC, 5 HE-AAC. */
  readonly objectType: number;
  /** In Hz, of the core layer. */
  readonly sampleRate: number;
  readonly channels: number;
}

/** samplingFrequencyIndex (Table 1.18). */
const RATES = [
  ...[96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000],
  ...[11_025, 8000, 7350],
];
/** channelConfiguration (Table 1.19); 0 says that a program config element does. */
const CHANNELS = [2, 1, 2, 3, 4, 5, 6, 8];
const ESCAPE = 31;
const EXPLICIT_RATE = 15;

export function decodeAudioSpecificConfig(bytes: Uint8Array): AudioSpecificConfig | Fault {
  if (bytes.length < 2) return BAD_AUDIO_CONFIG;
  const bits = new BitReader(bytes);
  const short = bits.bits(5);
  const objectType = short === ESCAPE ? 32 + bits.bits(6) : short;
  const index = bits.bits(4);
  const sampleRate = index === EXPLICIT_RATE ? bits.bits(24) : RATES[index];
  const channels = CHANNELS[bits.bits(4)];
  if (sampleRate === undefined || sampleRate === 0 || channels === undefined) {
    return BAD_AUDIO_CONFIG;
  }
  return { objectType, sampleRate, channels };
}
