/** Connections that HTTP has let go, as viewers' outlets. @module */
import type { Conn, Runtime } from "../../core/base/mod.ts";
import { LAST_CHUNK } from "../../core/wire/http1/mod.ts";
import type { WebSocketConn, WebSocketHandlers } from "../http/mod.ts";
import { linger } from "../port/linger.ts";
import type { Outlet, Viewer } from "./viewer.ts";

/** Going away (RFC 6455 §7.4.1). */
const GOING_AWAY = 1001;

/** The body of an HTTP answer. */
export class HttpOutlet implements Outlet {
  readonly #runtime: Runtime;
  readonly #conn: Conn;
  readonly #chunked: boolean;

  /** `begin` makes the viewer. */
  constructor(runtime: Runtime, conn: Conn, chunked: boolean, begin: (outlet: Outlet) => Viewer) {
    this.#runtime = runtime;
    this.#conn = conn;
    this.#chunked = chunked;
    const viewer = begin(this);
    conn.handler = {
      data: () => {},
      drain: () => viewer.drained(),
      end: () => viewer.destroy(),
      close: () => viewer.leave(),
    };
  }

  get buffered(): number {
    return this.#conn.buffered;
  }

  write(bytes: Uint8Array): boolean {
    return this.#conn.write(bytes);
  }

  end(): void {
    if (this.#chunked) this.#conn.write(LAST_CHUNK);
    linger(this.#runtime, this.#conn);
  }

  destroy(): void {
    this.#conn.destroy();
  }
}

/** A WebSocket as a viewer's outlet; `begin` makes the viewer. */
export function webSocketViewer(begin: (outlet: Outlet) => Viewer): WebSocketHandlers {
  let viewer: Viewer | undefined;
  return {
    open: (socket) => {
      viewer = begin(new WebSocketOutlet(socket));
    },
    drain: () => viewer?.drained(),
    close: () => viewer?.leave(),
  };
}

class WebSocketOutlet implements Outlet {
  readonly #socket: WebSocketConn;

  constructor(socket: WebSocketConn) {
    this.#socket = socket;
  }

  get buffered(): number {
    return this.#socket.buffered;
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.sendFrame(bytes);
  }

  end(): void {
    this.#socket.close(GOING_AWAY, "The stream is over");
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
