/** HTTP/1.1 messages on the wire (RFC 9112): request heads and bodies in, responses out. @module */
export * from "./body.ts";
export { isToken } from "./char.ts";
export * from "./fault.ts";
export * from "./framing.ts";
export * from "./head.ts";
export * from "./host.ts";
export * from "./response.ts";
export * from "./response_head.ts";
