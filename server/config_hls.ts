/** The settings of HLS. @module */
import {
  milliseconds,
  onOff,
  type Setting,
  seconds,
  setting,
  wholeNumber,
} from "./config_types.ts";

export interface HlsConfig {
  readonly "vhost.hls.enabled": boolean;
  /** How long segments are, as far as keyframes allow. */
  readonly "vhost.hls.hls_fragment": number;
  /** How much of a stream a playlist tells. */
  readonly "vhost.hls.hls_window": number;
  /** PART-TARGET of low latency. */
  readonly "vhost.hls.hls_part": number;
  /** Segments are MPEG-TS, without low latency, for players that know nothing else. */
  readonly "vhost.hls.hls_ts": boolean;
  /** After so long without a request a stream is not made into HLS any more. */
  readonly "vhost.hls.hls_dispose": number;
  /** Streams that are made into HLS at a time. */
  readonly "limits.hls_streams": number;
}

type HlsSettings = { readonly [Key in keyof HlsConfig]: Setting<HlsConfig[Key]> };

export const hlsSettings: HlsSettings = {
  "vhost.hls.enabled": setting(onOff, "on", "serve HLS"),
  "vhost.hls.hls_fragment": setting(seconds(1, 10), "2", "seconds of a segment"),
  "vhost.hls.hls_window": setting(seconds(5, 300), "30", "seconds that a playlist tells"),
  "vhost.hls.hls_part": setting(milliseconds(200, 1000), "400", "ms of a part of a segment"),
  "vhost.hls.hls_ts": setting(onOff, "off", "segments of MPEG-TS instead of MP4"),
  "vhost.hls.hls_dispose": setting(
    seconds(5, 3600),
    "30",
    "seconds without a request that end the making of segments",
  ),
  "limits.hls_streams": setting(
    wholeNumber(1, 10_000),
    "200",
    "streams that are made into HLS at a time",
  ),
};
