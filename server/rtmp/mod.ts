/** RTMP on the shared port. @module */
export { RtmpServer, type RtmpServerOptions } from "./rtmp_server.ts";
