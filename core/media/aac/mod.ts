/** AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1), as far as players need it, and ADTS. @module */
import { Fault } from "../../base/mod.ts";
import { BitReader, u8 } from "../../bytes/mod.ts";

export const BAD_AUDIO_CONFIG: Fault = /* @__PURE__ */ new Fault(
  "core/media/aac",
  "bad-audio-config",
  "ISO/IEC 14496-3 §1.6.2.1",
);

/** The longest that descriptors of one byte of length have room for (ISO/IEC 14496-14 §5.6). */
export const AUDIO_CONFIG_MAX_BYTES = 100;

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
  if (bytes.length < 2 || bytes.length > AUDIO_CONFIG_MAX_BYTES) return BAD_AUDIO_CONFIG;
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

/** Bytes of an ADTS header without a CRC. */
export const ADTS_BYTES = 7;
/** aac_frame_length has 13 bits. */
export const ADTS_MAX_FRAME_BYTES: number = 0x1fff - ADTS_BYTES;

/**
 * The header (ISO/IEC 14496-3 §1.A.2.2) of frames of this configuration, for `putAdtsHeader` to
 * complete; `undefined` where ADTS cannot tell it.
 *
 * ```
 *  fff | 0 00 1 | profile (2) rate (4) 0 channels (3) 0000 | length (13) | 7ff (11) | 00
 * ```
 */
export function adtsHeader(config: Uint8Array): Uint8Array | undefined {
  const read = decodeAudioSpecificConfig(config);
  if (read instanceof Fault) return undefined;
  // Of HE-AAC the core is told, which is AAC-LC: decoders find the rest.
  const type = read.objectType === SBR || read.objectType === PS ? 2 : read.objectType;
  const rate = RATES.indexOf(read.sampleRate);
  const channels = CHANNELS.lastIndexOf(read.channels);
  if (type < 1 || type > 4 || rate < 0) return undefined;
  const profile = ((type - 1) << 6) | (rate << 2) | (channels >> 2);
  return Uint8Array.of(0xff, 0xf1, profile, (channels & 3) << 6, 0, 0x1f, 0xfc);
}

/** Writes the header of a frame of `bytes`, which are behind it. */
export function putAdtsHeader(
  out: Uint8Array,
  at: number,
  header: Uint8Array,
  bytes: number,
): void {
  const length = ADTS_BYTES + bytes;
  out.set(header, at);
  out[at + 3] = u8(header, 3) | (length >> 11);
  out[at + 4] = length >> 3;
  out[at + 5] = ((length & 7) << 5) | 0x1f;
}

const SBR = 5;
const PS = 29;
