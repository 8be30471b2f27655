/** WebSocket on the wire (RFC 6455). @module */
export * from "./fault.ts";
export * from "./frame.ts";
export * from "./handshake.ts";
export * from "./utf8.ts";
