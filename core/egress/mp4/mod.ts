/** MP4 (ISO/IEC 14496-12): what fragments hold, as values, and fragments made into one movie. @module */
export { BOX_HEAD_MAX_BYTES, type BoxHead, decodeBoxHead, lengthOf, type Pieces } from "./box.ts";
export {
  type DecodedRun,
  decodeFragment,
  FRAGMENT_DAMAGED,
  RUN_MAX_SAMPLES,
} from "./fragment.ts";
export {
  decodeChange,
  encodeChange,
  type FormatChange,
  IN_BAND_MAX_BYTES,
  inBand,
} from "./in_band.ts";
export { Lane } from "./lane.ts";
export {
  decodeMovie,
  type Insertion,
  MOVIE_DAMAGED,
  MovieTables,
  type MovieTrack,
} from "./movie.ts";
export {
  fitsMp4,
  type Mp4Run,
  type Mp4Sample,
  type Mp4Track,
  timescaleOf,
} from "./sample.ts";
