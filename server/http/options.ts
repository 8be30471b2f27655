/** What the HTTP adapter is given, and what it gives to a request's handler. @module */
import type { Conn, Endpoint, Fault, Millis, Runtime } from "../../core/base/mod.ts";
import type { HttpLimits } from "../../core/session/http/mod.ts";
import type { Field } from "../../core/wire/http1/mod.ts";
import type { HeldBytes, Holding } from "../limits/held_bytes.ts";
import type { WebSocketHandlers, WebSocketOptions } from "./web_socket.ts";

export type HttpRuntime = Pick<Runtime, "now" | "wakeAt" | "wallClock" | "crypto">;

export interface HttpOptions {
  readonly runtime: HttpRuntime;
  /** Answers a request; Hono's `app.fetch` with `info` as its bindings will do. */
  readonly fetch: (request: Request, info: RequestInfo) => Response | Promise<Response>;
  /** The Server field, as `Monoport/0.1.0`. */
  readonly server: string;
  readonly limits?: Partial<HttpLimits>;
  /** Where the bytes kept of unfinished heads are counted; who exceeds it is closed. */
  readonly held?: HeldBytes;
  /** Whether an address is a proxy's or a balancer's: its connections take turns each for itself. */
  readonly speaksForMany?: (host: string) => boolean;
  /**
   * A client that takes nothing of what waits for it for this long is closed. Default 30,000 ms.
   */
  readonly stallMillis?: Millis;
  /** A client broke a rule of HTTP or WebSocket: for metrics. */
  readonly onFault?: (fault: Fault, remote: Endpoint) => void;
  /**
   * `fetch`, a response's body or a WebSocket handler threw. The client gets a 500, or is cut off.
   */
  readonly onError?: (error: unknown, where: string) => void;
}

/** How one connection came in. */
export interface ConnectionFacts {
  /** Whether it came through TLS: request URLs begin with `https`. */
  readonly secure?: boolean;
  /** The client, when a PROXY header tells of another than the connection's. */
  readonly remote?: Endpoint;
}

/** The final head of an answer after which a route owns the connection. */
export interface TakeOverHead {
  /** Default 200. */
  readonly status?: number;
  readonly fields?: readonly Field[];
}

/** What a handler may know and do beyond the Fetch API. */
export interface RequestInfo {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  readonly secure: boolean;
  /** Whether the client takes a body in chunks, that is HTTP/1.1. */
  readonly chunked: boolean;
  /** Counts what a route keeps of a body for a client who has proved nothing. */
  hold(): Holding | undefined;
  /**
   * Takes the connection out of HTTP. Return the response that this returns, with fields added if
   * need be: its head is sent, then `start` gets the connection, whose `handler` it must set at
   * once, and the bytes already read behind the request. `start` is not called when the client is
   * gone, the method is HEAD, the request has a body (it is answered 400), or something else than
   * a 200 was returned after all.
   */
  takeOver(start: (conn: Conn, rest: Uint8Array) => void, head?: TakeOverHead): Response;
  /**
   * Answers a WebSocket handshake (RFC 6455 §4.2). Return the response that this returns: 101, or
   * 400 or 426 for what is no valid handshake.
   */
  upgradeWebSocket(handlers: WebSocketHandlers, options?: WebSocketOptions): Response;
}
