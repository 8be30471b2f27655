/** The server side of RTMP connections. @module */
export * from "./event.ts";
export { type RtmpServerOptions, RtmpServerSession } from "./server_session.ts";
