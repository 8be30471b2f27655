/** WebRTC sessions on the shared port. @module */
export { RtcServer, type RtcServerOptions } from "./rtc_server.ts";
