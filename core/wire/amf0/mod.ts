/** AMF0, the values in RTMP commands and FLV metadata (AMF0 specification, Adobe 2007). @module */
export * from "./decode.ts";
export * from "./encode.ts";
export * from "./value.ts";
