/** Streams as FLV: tags made once for all viewers, for HTTP, WebSocket and RTMP. @module */
export { isCarried } from "./bodies.ts";
export { type FlvCast, type FlvViewer, flvCast } from "./cast.ts";
export {
  chunkedTags,
  encodeFlvHeader,
  encodeTags,
  rtmpMessages,
  webSocketTags,
} from "./framing.ts";
export { FLV_DAMAGED, FlvIndex, INDEX_MAX } from "./index.ts";
export { FlvMuxer, type FlvTag, TagType } from "./muxer.ts";
