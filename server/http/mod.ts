/** HTTP/1.1 and WebSocket over `Conn`, for handlers of the Fetch API. @module */
export { HttpServer } from "./http_server.ts";
export type {
  ConnectionFacts,
  HttpOptions,
  HttpRuntime,
  RequestInfo,
  TakeOverHead,
} from "./options.ts";
export type { WebSocketConn, WebSocketHandlers, WebSocketOptions } from "./web_socket.ts";
