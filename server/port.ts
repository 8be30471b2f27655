/**
 * The shared port: takes connections, tells by their first bytes what they are, and hands them on.
 *
 * A connection that has not shown its protocol costs a record and a few bytes, has a deadline, and
 * is the first to go when the process runs out of connections or descriptors.
 *
 * @module
 */
import type { Conn, Endpoint, Listener, Millis, Runtime } from "../core/base/mod.ts";
import { concat } from "../core/bytes/mod.ts";
import { type Sniffed, sniff } from "../core/session/sniff/mod.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** Most bytes kept of a connection before its protocol is known. */
export const FIRST_BYTES_MAX = 4096;
/** Connections closed at a time when accepting fails for want of descriptors. */
const SHED_AT_ONCE = 32;
const SWEEP_MILLIS = 250;

/** An accepted connection, as long as it is open. */
export interface Accepted {
  readonly conn: Conn;
  readonly since: Millis;
  /** Until its protocol is known, or while it waits for a next request: what may be shed. */
  idle: boolean;
}

/** Takes a connection over, with every byte that was read; sets `conn.handler`. */
export type TakeOver = (accepted: Accepted, first: Uint8Array) => void;

export interface PortOptions {
  readonly maxConnections: number;
  readonly maxUnproven: number;
  readonly firstBytesMillis: Millis;
  /** What is served; a protocol that is not gets its connection closed. */
  readonly protocols: Partial<Record<Sniffed, TakeOver>>;
}

export class Port {
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #options: PortOptions;
  readonly #listeners: Listener[] = [];
  /** In the order of their acceptance. */
  readonly #open = new Map<Conn, Accepted>();
  readonly #unproven = new Set<Accepted>();
  #sweep: Disposable | undefined;
  #exhaustedUntil: Millis = 0;

  constructor(runtime: Runtime, log: Log, metrics: Metrics, options: PortOptions) {
    this.#runtime = runtime;
    this.#log = log;
    this.#metrics = metrics;
    this.#options = options;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#open.size;
  }

  /** Connections that have not shown their protocol. */
  get unproven(): number {
    return this.#unproven.size;
  }

  async listen(at: { readonly host?: string; readonly port: number }): Promise<Endpoint> {
    const listener = await this.#runtime.listen(
      {
        ...at,
        onAcceptError: (error) => this.#onAcceptError(error),
        onConnClosed: (conn) => this.#forget(conn),
      },
      (conn) => this.#onConn(conn),
    );
    this.#listeners.push(listener);
    return listener.local;
  }

  /** Stops accepting and closes every connection. */
  async close(): Promise<void> {
    this.#sweep?.[Symbol.dispose]();
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
    for (const conn of this.#open.keys()) conn.destroy();
  }

  #onConn(conn: Conn): void {
    if (this.#open.size >= this.#options.maxConnections && this.#shed(1) === 0) {
      this.#metrics.count("monoport_connections_shed_total", "max-connections");
      this.#log.limited("warn", "Refused a connection: max_connections are open", {
        remote: conn.remote.host,
      });
      conn.destroy();
      return;
    }
    if (this.#unproven.size >= this.#options.maxUnproven) {
      for (const oldest of this.#unproven) {
        this.#drop(oldest, "unproven-limit");
        break;
      }
    }
    const accepted: Accepted = { conn, since: this.#runtime.now(), idle: true };
    this.#open.set(conn, accepted);
    this.#unproven.add(accepted);
    this.#watch(accepted);
    this.#startSweep();
  }

  /** Reads until the protocol is known. */
  #watch(accepted: Accepted): void {
    const { conn } = accepted;
    let first: Uint8Array | undefined;
    conn.handler = {
      data: (chunk) => {
        first = first === undefined ? chunk : concat([first, chunk]);
        const protocol = sniff(first);
        if (protocol !== "more") this.#prove(accepted, protocol, first);
        else if (first.length > FIRST_BYTES_MAX) this.#drop(accepted, "unknown");
      },
      end: () => this.#drop(accepted, "ended"),
      close: () => {},
    };
  }

  #prove(accepted: Accepted, protocol: Exclude<Sniffed, "more">, first: Uint8Array): void {
    this.#unproven.delete(accepted);
    this.#metrics.count("monoport_connections_total", protocol);
    const takeOver = this.#options.protocols[protocol];
    if (takeOver === undefined) {
      this.#log.limited("info", "Closed a connection: its protocol is not served here", {
        protocol,
        remote: accepted.conn.remote.host,
      });
      this.#drop(accepted, protocol === "unknown" ? "unknown" : "not-served");
      return;
    }
    accepted.idle = false;
    takeOver(accepted, first);
  }

  #drop(accepted: Accepted, reason: string): void {
    this.#metrics.count("monoport_connections_shed_total", reason);
    this.#unproven.delete(accepted);
    accepted.conn.destroy();
  }

  #forget(conn: Conn): void {
    const accepted = this.#open.get(conn);
    this.#open.delete(conn);
    if (accepted !== undefined) this.#unproven.delete(accepted);
  }

  /** Closes up to `count` idle connections, the oldest first; returns how many. */
  #shed(count: number): number {
    let shed = 0;
    for (const accepted of this.#open.values()) {
      if (shed >= count) break;
      if (!accepted.idle || accepted.conn.closed) continue;
      this.#drop(accepted, "descriptors");
      shed++;
    }
    return shed;
  }

  #onAcceptError(error: Error & { readonly code?: string }): void {
    this.#metrics.count("monoport_accept_errors_total", error.code ?? "other");
    const shed = this.#shed(SHED_AT_ONCE);
    const now = this.#runtime.now();
    if (now < this.#exhaustedUntil) return;
    this.#exhaustedUntil = now + 10_000;
    this.#log.error(
      "Cannot accept connections: out of descriptors; idle connections are closed. Raise the limit (ulimit -n)",
      {
        error: error.code ?? error.message,
        open: this.#open.size,
        shed,
      },
    );
  }

  #startSweep(): void {
    this.#sweep ??= this.#runtime.wakeAt(this.#runtime.now() + SWEEP_MILLIS, () => {
      this.#sweep = undefined;
      const due = this.#runtime.now() - this.#options.firstBytesMillis;
      for (const accepted of this.#unproven) {
        if (accepted.since > due) break;
        this.#drop(accepted, "first-bytes-deadline");
      }
      if (this.#unproven.size > 0) this.#startSweep();
    });
  }
}
