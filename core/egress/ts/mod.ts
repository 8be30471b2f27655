/** Frames as an MPEG-2 transport stream (ISO/IEC 13818-1). @module */
export { fitsTs, TsMuxer, type TsRun } from "./muxer.ts";
