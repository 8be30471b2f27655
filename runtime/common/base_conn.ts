import type { Conn, ConnHandler, Endpoint, TlsOptions } from "../../core/base/io.ts";
import { asError } from "./endpoint.ts";
import { reportBug } from "./process.ts";

const NOBODY: ConnHandler = { data: () => {}, end: () => {}, close: () => {} };

/**
 * What the connections of all runtimes share: whom to call and when not to.
 *
 * Nothing is read before a handler is set, so that it may come after an `await`. An exception of
 * a handler closes its connection, and only that one.
 */
export abstract class BaseConn implements Conn {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** Told after the handler that the connection is gone: for the listener it came from. */
  onGone: (() => void) | undefined;
  #handler: ConnHandler | undefined;
  #closed = false;
  #gone = false;
  #error: Error | undefined;

  constructor(local: Endpoint, remote: Endpoint) {
    this.local = local;
    this.remote = remote;
  }

  get handler(): ConnHandler {
    return this.#handler ?? NOBODY;
  }

  set handler(handler: ConnHandler) {
    const first = this.#handler === undefined;
    this.#handler = handler;
    if (!first) return;
    if (this.#gone) queueMicrotask(() => this.#reportClose());
    else if (!this.#closed) this.startReading();
  }

  get closed(): boolean {
    return this.#closed;
  }

  abstract readonly buffered: number;
  abstract write(bytes: Uint8Array): boolean;
  abstract pause(): void;
  abstract resume(): void;
  abstract end(): void;
  abstract startTls(first: Uint8Array, options: TlsOptions): Promise<Conn>;
  /** Called once, when the first handler is set. */
  protected abstract startReading(): void;
  /** Frees the socket, then or later calls `gone`, but not inside this call. */
  protected abstract closeNow(): void;

  destroy(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error ??= error;
    this.closeNow();
  }

  protected deliver(chunk: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.handler.data(chunk);
    } catch (thrown) {
      this.destroy(asError(thrown));
    }
  }

  protected drained(): void {
    if (this.#closed) return;
    try {
      this.handler.drain?.();
    } catch (thrown) {
      this.destroy(asError(thrown));
    }
  }

  protected peerEnded(): void {
    if (this.#closed) return;
    try {
      if (this.handler.end) this.handler.end();
      else this.end();
    } catch (thrown) {
      this.destroy(asError(thrown));
    }
  }

  /** The socket is closed. Never called inside a call of the connection's owner. */
  protected gone(error?: Error): void {
    if (this.#gone) return;
    this.#closed = true;
    this.#gone = true;
    this.#error ??= error;
    if (this.#handler !== undefined) this.#reportClose();
    try {
      this.onGone?.();
    } catch (thrown) {
      reportBug(thrown);
    }
  }

  /** From now on another connection speaks for the socket. */
  protected handOver(): void {
    this.#handler = NOBODY;
  }

  #reportClose(): void {
    try {
      this.handler.close(this.#error);
    } catch (thrown) {
      reportBug(thrown);
    }
  }
}
