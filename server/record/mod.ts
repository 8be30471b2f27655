/** Streams written to the disk: MP4 and FLV, by configuration, API or hook. @module */

export type {
  RecordingFacts,
  RecordingFinished,
  RecordingSource,
  RecordingWish,
} from "./facts.ts";
export { openRecordings } from "./open.ts";
export type { RecordingFormat } from "./path_template.ts";
export { Recordings, type RecordingsOptions } from "./recordings.ts";
export { type RecordedFile, RecordingStore } from "./store.ts";
