/**
 * One HTTP connection: joins the session in core, the connection of the runtime, and the exchange
 * with the application.
 *
 * @module
 */
import {
  type Conn,
  type ConnHandler,
  type Endpoint,
  type Fault,
  type Millis,
  NEVER,
} from "../../core/base/mod.ts";
import { concat } from "../../core/bytes/mod.ts";
import { type HttpEvent, HttpServerSession } from "../../core/session/http/mod.ts";
import { addressKey } from "../limits/address_key.ts";
import type { Holding } from "../limits/held_bytes.ts";
import { Exchange } from "./exchange.ts";
import type { HttpServer } from "./http_server.ts";
import type { ConnectionFacts } from "./options.ts";
import { SWEEP_MILLIS, type Swept } from "./sweep.ts";

const STALL_MILLIS: Millis = 30_000;
/** How often a connection with unsent bytes is looked at. */
const PROGRESS_MILLIS: Millis = 1_000;

export class HttpConnection implements ConnHandler, Swept {
  readonly server: HttpServer;
  readonly conn: Conn;
  readonly session: HttpServerSession;
  readonly secure: boolean;
  readonly remote: Endpoint;
  readonly #holding: Holding | undefined;
  /** Who takes turns: the address, or this connection where that speaks for many. */
  readonly #turnKey: unknown;
  #exchange: Exchange | undefined;
  #paused = false;
  #writable = true;
  #closed = false;
  #pumping = false;
  /** Whether to close as soon as nothing is unsent. */
  #closing = false;
  #whenDrained: (() => void) | undefined;
  /** Bytes written so far; those the kernel has taken at the last look, and when they had grown. */
  #written = 0;
  #flushed = 0;
  #progressAt: Millis = 0;

  constructor(server: HttpServer, conn: Conn, facts: ConnectionFacts) {
    this.server = server;
    this.conn = conn;
    this.secure = facts.secure ?? false;
    this.remote = facts.remote ?? conn.remote;
    const { limits, speaksForMany } = server.options;
    const { host } = this.remote;
    this.#turnKey = speaksForMany?.(host) ? this : addressKey(host);
    this.#holding = this.hold();
    this.session = new HttpServerSession(
      { ...(limits ? { limits } : {}), commonFields: () => server.commonFields() },
      server.now(),
    );
  }

  start(first: Uint8Array): void {
    this.conn.handler = this;
    this.data(first);
  }

  get closed(): boolean {
    return this.#closed;
  }

  // -- from the connection --

  data(chunk: Uint8Array): void {
    this.session.handleInput(chunk, this.server.now());
    this.pump();
  }

  drain(): void {
    this.#writable = true;
    const resume = this.#whenDrained;
    this.#whenDrained = undefined;
    resume?.();
  }

  end(): void {
    this.session.handleEnd(this.server.now());
    this.#exchange?.handleEnd();
    this.pump();
  }

  close(): void {
    if (this.#closed) return;
    this.#leave();
    this.#exchange?.disconnect();
    this.drain();
  }

  // -- from the server --

  sweep(now: Millis): Millis {
    if (now >= this.session.nextTimeout()) {
      this.session.handleTimeout(now);
      this.pump();
    }
    if (this.#closed) return NEVER;
    const unsent = this.conn.buffered;
    if (unsent === 0) {
      if (this.#closing) this.conn.destroy();
      this.#progressAt = 0;
      return this.#closing ? NEVER : this.session.nextTimeout();
    }
    const flushed = this.#written - unsent;
    if (flushed > this.#flushed || this.#progressAt === 0) {
      this.#flushed = flushed;
      this.#progressAt = now;
    } else if (now - this.#progressAt >= (this.server.options.stallMillis ?? STALL_MILLIS)) {
      this.conn.destroy();
      return NEVER;
    }
    return Math.min(this.session.nextTimeout(), now + PROGRESS_MILLIS);
  }

  /** Closes the connection if it is idle. */
  shed(): boolean {
    if (!this.session.idle || this.#closed) return false;
    this.conn.destroy();
    return true;
  }

  destroy(): void {
    this.conn.destroy();
  }

  // -- from the exchange --

  /** A count of bytes that are kept for this client. */
  hold(): Holding | undefined {
    return this.server.options.held?.begin(addressKey(this.remote.host));
  }

  /** Resolves when the connection takes more, or is gone. */
  writable(): Promise<void> | undefined {
    if (this.#writable || this.#closed) return undefined;
    return new Promise((resolve) => {
      this.#whenDrained = resolve;
    });
  }

  /** Carries out what the session says until it says no more. */
  pump(): void {
    // An exchange may call back from within its event; the outer loop goes on for it.
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    this.#transmit();
    for (let event = this.session.pollEvent(); event; event = this.session.pollEvent()) {
      this.#handle(event);
      if (this.#closed) return;
      this.#transmit();
    }
    this.#pumping = false;
    if (this.session.idle) this.#exchange = undefined;
    const pause = !this.session.wantsInput;
    if (pause !== this.#paused) {
      this.#paused = pause;
      if (pause) this.conn.pause();
      else this.conn.resume();
    }
    const exceeded = this.#holding?.set(this.session.keptBytes);
    // A request that is whole up to its body gets an answer: what reads the body counts it.
    if (exceeded !== undefined && !this.session.awaitsAnswer) this.conn.destroy();
    const unsent = this.conn.buffered > 0;
    const soon = unsent || this.#closing ? this.server.now() + PROGRESS_MILLIS : NEVER;
    this.server.sweeper.schedule(Math.min(soon, this.session.nextTimeout()));
  }

  /** Leaves the connection to another protocol, whose handler is set by `start`. */
  release(start: (conn: Conn) => void): void {
    this.#transmit();
    this.#leave();
    if (this.#paused) this.conn.resume();
    try {
      start(this.conn);
    } catch (error) {
      this.reportError(error, "takeOver");
      this.conn.destroy();
    }
  }

  reportError(error: unknown, where: string): void {
    this.server.options.onError?.(error, where);
  }

  reportFault(fault: Fault): void {
    this.server.options.onFault?.(fault, this.remote);
  }

  #handle(event: HttpEvent): void {
    switch (event.kind) {
      case "request":
        this.#begin(new Exchange(this, event.head));
        return;
      case "fault":
        this.reportFault(event.fault);
        return;
      case "end":
        this.conn.end();
        return;
      case "close":
        // Bytes that the kernel has not taken go first; `sweep` looks after them.
        this.#closing = true;
        this.server.sweeper.schedule(this.server.now() + SWEEP_MILLIS);
        return;
      case "abort":
        this.conn.destroy();
        return;
      default:
        this.#exchange?.handleBody(event);
    }
  }

  #begin(exchange: Exchange): void {
    this.#exchange = exchange;
    this.server.turns.take(this.#turnKey, () => {
      if (this.#closed) return;
      exchange.start();
      this.pump();
    });
  }

  #transmit(): void {
    const first = this.session.pollTransmit();
    if (first === undefined) return;
    let next = this.session.pollTransmit();
    const parts = [first];
    for (; next; next = this.session.pollTransmit()) parts.push(next);
    this.#write(parts.length === 1 ? first : concat(parts));
  }

  #write(bytes: Uint8Array): void {
    this.#written += bytes.length;
    if (!this.conn.write(bytes)) this.#writable = false;
  }

  #leave(): void {
    this.#closed = true;
    this.#holding?.release();
    this.server.forget(this);
  }
}
