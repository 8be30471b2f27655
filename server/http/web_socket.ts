/** WebSocket for handlers of requests (RFC 6455 §4.2). @module */
import {
  type Conn,
  type Endpoint,
  Fault,
  HIGH_WATER_BYTES,
  type Millis,
  NEVER,
} from "../../core/base/mod.ts";
import {
  type WebSocketEvent,
  type WebSocketLimits,
  WebSocketServerSession,
} from "../../core/session/websocket/mod.ts";
import type { Field, RequestHead } from "../../core/wire/http1/mod.ts";
import { acceptKey, isWebSocketKey } from "../../core/wire/websocket/mod.ts";
import type { HttpConnection } from "./http_connection.ts";
import type { Swept } from "./sweep.ts";

/** What a client may send at once, and in a ms: viewers have pongs to send, and tests 100 KiB. */
export const RECEIVED_BURST_BYTES: number = 2 * 1024 * 1024;
export const RECEIVED_BYTES_PER_MILLI = 64;
export const WEB_SOCKET_FLOOD: Fault = new Fault(
  "server/http",
  "web-socket-flood",
  "RFC 6455 §10.4",
);

/** One open WebSocket. */
export interface WebSocketConn {
  readonly remote: Endpoint;
  /** Bytes that the kernel has not taken yet. */
  readonly buffered: number;
  /** Whether messages can be sent. */
  readonly open: boolean;
  /** Sends a text or a binary message. False when the client lags: wait for `drain`. */
  send(data: string | Uint8Array): boolean;
  /** Sends a frame made by `encodeFrame` of core/wire/websocket, which others may share. */
  sendFrame(frame: Uint8Array): boolean;
  /** Begins the closing handshake. Default 1000. */
  close(code?: number, reason?: string): void;
  /** Closes at once, without a handshake. */
  destroy(): void;
}

export interface WebSocketHandlers {
  open?(socket: WebSocketConn): void;
  message?(socket: WebSocketConn, data: string | Uint8Array): void;
  /** All unsent bytes are with the kernel, after `send` had returned false. */
  drain?(socket: WebSocketConn): void;
  /** Once. 1006: without a closing handshake. */
  close?(socket: WebSocketConn, code: number, reason: string): void;
}

export interface WebSocketOptions {
  readonly limits?: Partial<WebSocketLimits>;
  /** Sec-WebSocket-Protocol, chosen among those the client offered. */
  readonly protocol?: string;
}

interface Accepted {
  readonly fields: readonly Field[];
  readonly start: (conn: Conn, rest: Uint8Array) => void;
}

/** What to answer to a handshake: the fields of a 101, or a refusal. */
export function acceptWebSocket(
  connection: HttpConnection,
  head: RequestHead,
  handlers: WebSocketHandlers,
  options: WebSocketOptions,
): Accepted | Response {
  const key = fieldOf(head, "sec-websocket-key");
  if (!head.upgrade.includes("websocket")) {
    const headers = { upgrade: "websocket" };
    return new Response("A WebSocket handshake is expected here\n", { status: 426, headers });
  }
  if (fieldOf(head, "sec-websocket-version") !== "13") {
    const headers = { "sec-websocket-version": "13", upgrade: "websocket" };
    return new Response("Only WebSocket version 13 is spoken\n", { status: 426, headers });
  }
  if (head.method !== "GET" || key === undefined || !isWebSocketKey(key)) {
    return new Response("This is not a WebSocket handshake\n", { status: 400 });
  }
  const accept = acceptKey(key, connection.server.options.runtime.crypto);
  const fields: Field[] = [
    ["upgrade", "websocket"],
    ["connection", "Upgrade"],
    ["sec-websocket-accept", accept],
  ];
  if (options.protocol !== undefined) fields.push(["sec-websocket-protocol", options.protocol]);
  return {
    fields,
    start: (conn, rest) => {
      new WebSocketConnection(connection, conn, handlers, options.limits ?? {}).start(rest);
    },
  };
}

/** The only value of a field, or `undefined` when it is missing or given twice. */
function fieldOf(head: RequestHead, name: string): string | undefined {
  const found = head.fields.filter(([have]) => have === name);
  return found.length === 1 ? found[0]?.[1] : undefined;
}

class WebSocketConnection implements WebSocketConn, Swept {
  readonly #http: HttpConnection;
  readonly #conn: Conn;
  readonly #handlers: WebSocketHandlers;
  readonly #session: WebSocketServerSession;
  #closed = false;
  #reported = false;
  #writable = true;
  /** Bytes received beyond what may come in a ms. */
  #excess = 0;
  #countedAt: Millis;

  constructor(
    http: HttpConnection,
    conn: Conn,
    handlers: WebSocketHandlers,
    limits: Partial<WebSocketLimits>,
  ) {
    this.#http = http;
    this.#conn = conn;
    this.#handlers = handlers;
    this.#countedAt = http.server.now();
    this.#session = new WebSocketServerSession(limits, this.#countedAt);
  }

  start(rest: Uint8Array): void {
    this.#conn.handler = {
      data: (chunk) => this.#handleData(chunk),
      drain: () => this.#handleDrain(),
      end: () => this.#handleEnd(),
      close: () => this.#handleClose(),
    };
    this.#http.server.adopt(this);
    this.#call(() => this.#handlers.open?.(this));
    if (rest.length > 0) this.#handleData(rest);
    else this.#pump();
  }

  // -- for the application --

  get remote(): Endpoint {
    return this.#http.remote;
  }

  get buffered(): number {
    return this.#conn.buffered;
  }

  get open(): boolean {
    return this.#session.open && !this.#closed;
  }

  send(data: string | Uint8Array): boolean {
    const text = typeof data === "string";
    this.#session.send(text, text ? new TextEncoder().encode(data) : data);
    this.#transmit();
    return this.#writable;
  }

  sendFrame(frame: Uint8Array): boolean {
    this.#session.sendFrame(frame);
    this.#transmit();
    return this.#writable;
  }

  close(code = 1000, reason = ""): void {
    this.#session.close(code, new TextEncoder().encode(reason), this.#http.server.now());
    this.#pump();
  }

  destroy(): void {
    this.#conn.destroy();
  }

  // -- from the server --

  sweep(now: Millis): Millis {
    if (now >= this.#session.nextTimeout()) {
      this.#session.handleTimeout(now);
      this.#pump();
    }
    return this.#closed ? NEVER : this.#session.nextTimeout();
  }

  // -- inside --

  #handleData(chunk: Uint8Array): void {
    if (this.#closed) return;
    if (this.#floods(chunk.length)) {
      this.#http.reportFault(WEB_SOCKET_FLOOD);
      this.#conn.destroy();
      return;
    }
    this.#session.answersPings = this.#conn.buffered <= HIGH_WATER_BYTES;
    this.#session.handleInput(chunk, this.#http.server.now());
    this.#pump();
  }

  /** Frames of a few bytes cost much more than their bytes. */
  #floods(bytes: number): boolean {
    const now = this.#http.server.now();
    const passed = (now - this.#countedAt) * RECEIVED_BYTES_PER_MILLI;
    this.#countedAt = now;
    this.#excess = Math.max(0, this.#excess - passed) + bytes;
    return this.#excess > RECEIVED_BURST_BYTES;
  }

  #handleDrain(): void {
    this.#writable = true;
    this.#call(() => this.#handlers.drain?.(this));
  }

  #handleEnd(): void {
    this.#session.handleEnd(this.#http.server.now());
    this.#pump();
  }

  #handleClose(): void {
    this.#closed = true;
    this.#http.server.drop(this);
    this.#reportClosed(1006, "");
  }

  #pump(): void {
    this.#transmit();
    for (let event = this.#session.pollEvent(); event; event = this.#session.pollEvent()) {
      this.#handleEvent(event);
      this.#transmit();
    }
    if (!this.#closed) this.#http.server.sweeper.schedule(this.#session.nextTimeout());
  }

  #handleEvent(event: WebSocketEvent): void {
    switch (event.kind) {
      case "message": {
        const data = event.text ? new TextDecoder().decode(event.bytes) : event.bytes;
        this.#call(() => this.#handlers.message?.(this, data));
        return;
      }
      case "closed":
        this.#reportClosed(event.code, new TextDecoder().decode(event.reason));
        return;
      case "fault":
        this.#http.reportFault(event.fault);
        return;
      case "end":
        this.#conn.end();
        return;
      default:
        this.#conn.destroy();
    }
  }

  #transmit(): void {
    for (let bytes = this.#session.pollTransmit(); bytes; bytes = this.#session.pollTransmit()) {
      if (!this.#conn.write(bytes)) this.#writable = false;
    }
  }

  #reportClosed(code: number, reason: string): void {
    if (this.#reported) return;
    this.#reported = true;
    this.#call(() => this.#handlers.close?.(this, code, reason));
  }

  /** What the application throws is its own affair, and the end of its connection. */
  #call(handle: () => void): void {
    try {
      handle();
    } catch (error) {
      this.#http.reportError(error, "WebSocket");
      this.#conn.destroy();
    }
  }
}
