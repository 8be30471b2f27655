/** The server side of a WebSocket connection. @module */
export * from "./server_session.ts";
