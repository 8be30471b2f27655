/** The server side of RTMP connections. @module */
export * from "./event.ts";
export { CHUNK_BYTES, STREAM_ID } from "./replies.ts";
export { type RtmpServerOptions, RtmpServerSession } from "./server_session.ts";
