/** HTTP/1.1 for connections that were found to speak it. @module */
import type { Conn, Millis } from "../../core/base/mod.ts";
import type { Field } from "../../core/wire/http1/mod.ts";
import { HttpConnection } from "./http_connection.ts";
import type { ConnectionFacts, HttpOptions } from "./options.ts";
import { Sweeper, type Swept } from "./sweep.ts";
import { Turns } from "./turns.ts";

type WebSocketMember = Swept & { destroy(): void };

export class HttpServer {
  readonly options: HttpOptions;
  readonly sweeper: Sweeper;
  readonly turns: Turns;
  readonly #connections = new Set<HttpConnection>();
  readonly #webSockets = new Set<WebSocketMember>();
  #dateSecond = -1;
  #commonFields: readonly Field[] = [];

  constructor(options: HttpOptions) {
    this.options = options;
    this.sweeper = new Sweeper(options.runtime);
    this.turns = new Turns(options.runtime);
  }

  /** Takes `conn` over, whose first bytes were `first`. */
  serve(conn: Conn, first: Uint8Array, facts: ConnectionFacts = {}): void {
    const connection = new HttpConnection(this, conn, facts);
    this.#connections.add(connection);
    this.sweeper.add(connection);
    connection.start(first);
  }

  /** Connections that still speak HTTP. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Closes up to `count` connections that wait for a request, the oldest first; how many it did.
   */
  shedIdle(count: number): number {
    let shed = 0;
    for (const connection of this.#connections) {
      if (shed === count) break;
      if (connection.shed()) shed++;
    }
    return shed;
  }

  /** WebSockets that came out of these connections and are still there. */
  get webSockets(): number {
    return this.#webSockets.size;
  }

  /**
   * Closes all connections and WebSockets at once; those that routes took over are theirs to close.
   */
  close(): void {
    this.turns.close();
    for (const connection of this.#connections) connection.destroy();
    for (const socket of this.#webSockets) socket.destroy();
  }

  /** The connection ended, or belongs to another protocol now. */
  forget(connection: HttpConnection): void {
    this.#connections.delete(connection);
    this.sweeper.remove(connection);
  }

  /** Looks after the deadlines of a WebSocket. */
  adopt(socket: WebSocketMember): void {
    this.#webSockets.add(socket);
    this.sweeper.add(socket);
  }

  drop(socket: WebSocketMember): void {
    this.#webSockets.delete(socket);
    this.sweeper.remove(socket);
  }

  now(): Millis {
    return this.options.runtime.now();
  }

  /** Date (RFC 9110 §6.6.1) and Server, made once per second. */
  commonFields(): readonly Field[] {
    const wall = this.options.runtime.wallClock();
    const second = Math.floor(wall / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#commonFields = [
        ["date", new Date(wall).toUTCString()],
        ["server", this.options.server],
      ];
    }
    return this.#commonFields;
  }
}
