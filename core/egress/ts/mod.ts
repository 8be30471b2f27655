/** Frames as an MPEG-2 transport stream (ISO/IEC 13818-1). @module */
export { type TsCast, type TsPackets, tsCast } from "./cast.ts";
export { chunkedPackets, plainPackets, webSocketPackets } from "./framing.ts";
export { TsMuxer, type TsRun } from "./muxer.ts";
export { fitsTs } from "./program.ts";
