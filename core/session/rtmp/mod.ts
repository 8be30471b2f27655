/** The server side of RTMP connections. @module */
export { JUMP_MILLIS, PublisherClock } from "./clock.ts";
export * from "./event.ts";
export { CHUNK_BYTES, STREAM_ID } from "./replies.ts";
export { type RtmpServerOptions, RtmpServerSession } from "./server_session.ts";
