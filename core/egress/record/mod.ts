/** A stream parted into files, as values: which frames are in one, and where the next begins. @module */
export {
  BREAK_MILLIS,
  Cutter,
  type CutterOptions,
  type FileSink,
  KEYFRAME_WAIT_MILLIS,
} from "./cutter.ts";
export { Interleaver, KEPT_MAX_FRAMES, LATE_MILLIS, TRACK_WAIT_MILLIS } from "./interleaver.ts";
