/** HLS: streams cut into segments and parts, in memory while somebody asks for them, or in files. @module */
export { MP4, type SegmentFormat, TS } from "./container.ts";
export { Hls, type HlsAudio, type HlsOptions, type HlsSegment } from "./hls.ts";
export {
  type CompleteSegment,
  END_MILLIS,
  HlsMuxer,
  MAX_BYTES,
  MAX_SEGMENTS,
  START_SEGMENTS,
} from "./muxer.ts";
export { type OpenHlsOptions, openHls } from "./open.ts";
export type { RenditionName } from "./rendition.ts";
export { MAX_QUEUED_BYTES, StreamFiles, type StreamFilesOptions } from "./stream_files.ts";
export { HlsViewers, MAX_VIEWERS, VIEWER_IDLE_MILLIS } from "./viewers.ts";
