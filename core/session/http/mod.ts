/** The server side of an HTTP/1.1 connection. @module */
export type { HttpEvent } from "./event.ts";
export { HTTP_LIMITS, type HttpLimits, READ_AHEAD_BYTES } from "./limits.ts";
export type { ResponseHead } from "./response_framing.ts";
export { type HttpServerOptions, HttpServerSession } from "./server_session.ts";
