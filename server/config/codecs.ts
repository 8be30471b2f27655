/** The settings of transcoded sound. @module */
import { type Setting, setting, wholeNumber } from "./types.ts";

export interface CodecConfig {
  /** Of sound that is made for WebRTC viewers, in bit/s. */
  readonly "vhost.rtc.opus_bitrate": number;
  /** Of sound that is made for all other viewers, in bit/s. */
  readonly "vhost.rtc.aac_bitrate": number;
  /** Tracks of sound transcoded at a time; 0: none is. */
  readonly "limits.transcodes": number;
}

type CodecSettings = { readonly [Key in keyof CodecConfig]: Setting<CodecConfig[Key]> };

const bitrate = wholeNumber(8000, 320_000);

export const codecSettings: CodecSettings = {
  "vhost.rtc.opus_bitrate": setting(bitrate, "96000", "bit/s of sound transcoded to Opus"),
  "vhost.rtc.aac_bitrate": setting(bitrate, "128000", "bit/s of sound transcoded to AAC"),
  "limits.transcodes": setting(
    wholeNumber(0, 10_000),
    "64",
    "tracks of sound transcoded at a time, 2 to 4 % of a core each",
  ),
};
