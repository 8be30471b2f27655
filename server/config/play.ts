/** The settings of viewers by HTTP-FLV, WS-FLV and RTMP. @module */
import { milliseconds, onOff, type Setting, seconds, setting, wholeNumber } from "./types.ts";

export interface PlayConfig {
  /** Whether streams are served as `/APP/STREAM.flv`, `.ts` and `.aac`, by HTTP and WebSocket. */
  readonly "vhost.http_remux.enabled": boolean;
  /** How long frames are gathered for one write. */
  readonly "vhost.play.mw_latency": number;
  /** How far such a viewer may be behind before whole groups of pictures are dropped for him. */
  readonly "vhost.play.queue_length": number;
  /** Whether who joins begins with the last keyframe, or waits for the next. */
  readonly "vhost.play.gop_cache": boolean;
  /** Of pictures and sound; a longer group of pictures is not kept. */
  readonly "vhost.play.gop_cache_max_frames": number;
}

type PlaySettings = { readonly [Key in keyof PlayConfig]: Setting<PlayConfig[Key]> };

export const playSettings: PlaySettings = {
  "vhost.http_remux.enabled": setting(onOff, "on", "serve HTTP-FLV, WS-FLV, MPEG-TS and AAC"),
  "vhost.play.mw_latency": setting(
    milliseconds(0, 350),
    "100",
    "ms that FLV, MPEG-TS and RTMP viewers' frames are gathered for one write",
  ),
  "vhost.play.queue_length": setting(
    seconds(1, 30),
    "5",
    "seconds an FLV, MPEG-TS or RTMP viewer may be behind before pictures are dropped",
  ),
  "vhost.play.gop_cache": setting(
    onOff,
    "on",
    "begin FLV, MPEG-TS and RTMP viewers with the last keyframe: an instant picture; off: with the next",
  ),
  "vhost.play.gop_cache_max_frames": setting(
    wholeNumber(1, 100_000),
    "2500",
    "frames since the last keyframe that are kept at most, sound included",
  ),
};
