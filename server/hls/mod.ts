/** HLS: streams cut into segments and parts, in memory, while somebody asks for them. @module */
export { Hls, type HlsAudio, type HlsOptions } from "./hls.ts";
export { END_MILLIS, HlsMuxer, MAX_BYTES, MAX_SEGMENTS, START_SEGMENTS } from "./muxer.ts";
export { HlsViewers, MAX_VIEWERS, VIEWER_IDLE_MILLIS } from "./viewers.ts";
