/** Codecs: their names in SDP, and what can be read from their RTP payloads. @module */
export { FRAME_START, KEYFRAME, type VideoDescription } from "./flags.ts";
export * from "./format.ts";
export * from "./inspect.ts";
