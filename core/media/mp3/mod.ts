/** The header of an MPEG audio frame (ISO/IEC 11172-3 §2.4.1.3, 13818-3 §2.4.2.3). @module */
import { Fault } from "../../base/mod.ts";
import { u8 } from "../../bytes/mod.ts";

export const BAD_MPEG_AUDIO: Fault = /* @__PURE__ */ new Fault(
  "core/media/mp3",
  "bad-mpeg-audio",
  "ISO/IEC 11172-3 §2.4.1.3",
);

export interface MpegAudioHeader {
  /** In Hz. */
  readonly sampleRate: number;
  readonly channels: number;
}

/** MPEG-1; MPEG-2 has half of it, MPEG-2.5 a quarter. */
const RATES = [44_100, 48_000, 32_000];
const DIVISORS: readonly (number | undefined)[] = [4, undefined, 2, 1];
const MONO = 3;

export function decodeMpegAudioHeader(bytes: Uint8Array): MpegAudioHeader | Fault {
  if (bytes.length < 4 || u8(bytes, 0) !== 0xff || u8(bytes, 1) < 0xe0) return BAD_MPEG_AUDIO;
  const divisor = DIVISORS[(u8(bytes, 1) >> 3) & 3];
  const rate = RATES[(u8(bytes, 2) >> 2) & 3];
  if (divisor === undefined || rate === undefined) return BAD_MPEG_AUDIO;
  return { sampleRate: rate / divisor, channels: u8(bytes, 3) >> 6 === MONO ? 1 : 2 };
}
