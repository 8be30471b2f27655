/** The settings of HLS. @module */
import * as v from "valibot";
import { wrongTemplate } from "../hls/file_names.ts";
import { milliseconds, onOff, type Setting, seconds, setting, wholeNumber } from "./types.ts";

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
  /** Folder that segments and playlists are written to; empty: memory alone. */
  readonly "vhost.hls.hls_path": string;
  /** Names below it. */
  readonly "vhost.hls.hls_m3u8_file": string;
  readonly "vhost.hls.hls_ts_file": string;
  /** Whether files that no playlist tells any more are removed. */
  readonly "vhost.hls.hls_cleanup": boolean;
  /** After so long without a request a stream is not made into HLS any more. */
  readonly "vhost.hls.hls_dispose": number;
  /** Streams that are made into HLS at a time. */
  readonly "limits.hls_streams": number;
}

type HlsSettings = { readonly [Key in keyof HlsConfig]: Setting<HlsConfig[Key]> };

function fileTemplate(ending: ".m3u8" | ".ts"): v.GenericSchema<string, string> {
  return v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? wrongTemplate(dataset.value, ending) : "";
      if (message !== "") addIssue({ message });
    }),
  );
}

export const hlsSettings: HlsSettings = {
  "vhost.hls.enabled": setting(onOff, "on", "serve HLS"),
  "vhost.hls.hls_fragment": setting(seconds(1, 10), "2", "seconds of a segment"),
  "vhost.hls.hls_window": setting(seconds(5, 300), "30", "seconds that a playlist tells"),
  "vhost.hls.hls_part": setting(milliseconds(200, 1000), "400", "ms of a part of a segment"),
  "vhost.hls.hls_ts": setting(onOff, "off", "segments of MPEG-TS instead of MP4"),
  "vhost.hls.hls_path": setting(
    v.pipe(v.string(), v.regex(/^[^\0]*$/, "a path without NUL")),
    "",
    "folder that HLS is written to, for another web server",
  ),
  "vhost.hls.hls_m3u8_file": setting(
    fileTemplate(".m3u8"),
    "[app]/[stream].m3u8",
    "name of a playlist in hls_path",
  ),
  "vhost.hls.hls_ts_file": setting(
    fileTemplate(".ts"),
    "[app]/[stream]-[seq].ts",
    "names of segments there; .m4s without hls_ts",
  ),
  "vhost.hls.hls_cleanup": setting(onOff, "on", "remove files that no playlist tells any more"),
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
