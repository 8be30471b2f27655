/** A connection as its client sees it, told by a PROXY header. @module */
import type { Conn, ConnHandler, Endpoint, TlsOptions } from "../../core/base/mod.ts";
import type { ProxyHeader } from "../../core/wire/proxy_protocol/mod.ts";
import { isLoopback } from "../candidates/candidates.ts";

/**
 * The same connection with the client's address as `remote`, and the one the client connected to as
 * `local`: its port goes into candidates. A balancer elsewhere cannot speak for this machine, which may
 * do more than others: its word on a loopback client is not taken.
 */
export function seenFrom(conn: Conn, addresses: NonNullable<ProxyHeader["addresses"]>): Conn {
  const { source, destination } = addresses;
  if (isLoopback(source.host) && !isLoopback(conn.remote.host)) return conn;
  return new ProxiedConn(conn, source, destination);
}

class ProxiedConn implements Conn {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  readonly #conn: Conn;

  constructor(conn: Conn, remote: Endpoint, local: Endpoint) {
    this.#conn = conn;
    this.remote = remote;
    this.local = local;
  }

  get handler(): ConnHandler {
    return this.#conn.handler;
  }

  set handler(handler: ConnHandler) {
    this.#conn.handler = handler;
  }

  get buffered(): number {
    return this.#conn.buffered;
  }

  get closed(): boolean {
    return this.#conn.closed;
  }

  write(bytes: Uint8Array): boolean {
    return this.#conn.write(bytes);
  }

  pause(): void {
    this.#conn.pause();
  }

  resume(): void {
    this.#conn.resume();
  }

  end(): void {
    this.#conn.end();
  }

  destroy(error?: Error): void {
    this.#conn.destroy(error);
  }

  async startTls(first: Uint8Array, options: TlsOptions): Promise<Conn> {
    return new ProxiedConn(await this.#conn.startTls(first, options), this.remote, this.local);
  }
}
