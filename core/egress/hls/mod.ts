/** HLS (RFC 8216bis): frames into segments and parts, and the playlist that tells them. @module */
export { multivariantText, type Variant } from "./multivariant.ts";
export {
  dateText,
  type HlsNames,
  type PlaylistOptions,
  type PlaylistRequest,
  playlistText,
} from "./playlist.ts";
export {
  HELD_MAX_FRAMES,
  type MediaPart,
  SEGMENT_MAX_BYTES,
  Segmenter,
  type SegmenterOptions,
  type SegmenterSink,
  type SegmentStart,
  TRACK_WAIT_MILLIS,
} from "./segmenter.ts";
export { type PartEntry, type SegmentEntry, SegmentWindow, type WindowOptions } from "./window.ts";
