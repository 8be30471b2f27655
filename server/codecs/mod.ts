/** Sound from one codec to another, in codecs.wasm, off the main thread. @module */
export { isSoundCodec, type SoundCodec, type SoundFormat, type TargetCodec } from "./sound.ts";
export type { TranscodedPacket, TranscoderOptions } from "./transcoder.ts";
export {
  type TranscodedSink,
  Transcoders,
  type TranscodersOptions,
  type Transcoding,
} from "./transcoders.ts";
