/** Streams written to the disk: MP4 and FLV, by configuration, API or hook. @module */
export { openRecordings } from "./open.ts";
export type { RecordingFormat } from "./path_template.ts";
export {
  type RecordingFacts,
  type RecordingFinished,
  type RecordingSource,
  Recordings,
  type RecordingsOptions,
  type RecordingWish,
} from "./recordings.ts";
export { type RecordedFile, RecordingStore } from "./store.ts";
