/** Frames as an MPEG-2 transport stream (ISO/IEC 13818-1). @module */
export { type TsCast, type TsPackets, type TsPiece, tsCast } from "./cast.ts";
export { TsMuxer, type TsRun } from "./muxer.ts";
export { fitsTs } from "./program.ts";
