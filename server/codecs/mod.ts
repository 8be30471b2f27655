/** Sound from one codec to another, in codecs.wasm, off the main thread. @module */
export type { TranscodedSink, Transcoding } from "./lane.ts";
export { isSoundCodec, type SoundCodec, type SoundFormat, type TargetCodec } from "./sound.ts";
export type { TranscodedPacket, TranscoderOptions } from "./transcoder.ts";
export { Transcoders, type TranscodersOptions } from "./transcoders.ts";
