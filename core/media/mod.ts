/** Codecs: their names in SDP, and what can be read from their RTP payloads. @module */

export { type ProfileAndLevel, profileAndLevel } from "./codec_string.ts";
export type { CodedFormat, CodedFrame, Depacketizer } from "./coded.ts";
export { depacketizerFor } from "./depacketizer.ts";
export { FRAME_START, KEYFRAME, type VideoDescription } from "./flags.ts";
export * from "./format.ts";
export * from "./inspect.ts";
export type { PayloadSink } from "./payload_sink.ts";
export type { Picture, PictureReader } from "./picture.ts";
export { pictureReaderFor, rtpFormatOf, type VideoCodecName } from "./picture_reader.ts";
