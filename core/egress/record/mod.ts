/** A stream parted into files, as values: which frames are in one, and where the next begins. @module */
export {
  Cutter,
  type CutterOptions,
  type FileSink,
  KEYFRAME_WAIT_MILLIS,
} from "./cutter.ts";
export {
  BREAK_MILLIS,
  EXPECTED_WAIT_MILLIS,
  Interleaver,
  type InterleaverOptions,
  KEPT_MAX_BYTES,
  KEPT_MAX_FRAMES,
  LATE_MILLIS,
  TRACK_WAIT_MILLIS,
} from "./interleaver.ts";
