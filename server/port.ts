/**
 * The shared port: takes connections, tells by their first bytes what they are, and hands them on.
 *
 * A connection that has not shown its protocol costs a few bytes, has a deadline, and is the first
 * to go when the process runs out of connections or descriptors.
 *
 * @module
 */
import type { Conn, Endpoint, Listener, Millis, Runtime } from "../core/base/mod.ts";
import { concat } from "../core/bytes/mod.ts";
import { type Sniffed, sniff } from "../core/session/sniff/mod.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** Connections closed at a time when accepting fails for want of descriptors. */
const SHED_AT_ONCE = 32;
const SWEEP_MILLIS = 250;

/** Takes a connection over, with every byte that was read; sets `conn.handler`. */
export type TakeOver = (conn: Conn, first: Uint8Array) => void;

export interface PortOptions {
  readonly maxConnections: number;
  readonly maxUnproven: number;
  readonly firstBytesMillis: Millis;
  /** What is served; a protocol that is not gets its connection closed. */
  readonly protocols: Partial<Record<Sniffed, TakeOver>>;
  /** Closes up to `count` connections that wait for something to do; returns how many. */
  readonly shedIdle: (count: number) => number;
}

export class Port {
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #options: PortOptions;
  readonly #listeners: Listener[] = [];
  readonly #open = new Set<Conn>();
  /** Since when, in the order of their acceptance. */
  readonly #unproven = new Map<Conn, Millis>();
  #sweep: Disposable | undefined;

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
    for (const conn of this.#open) conn.destroy();
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
    if (this.#unproven.size >= this.#options.maxUnproven) this.#shedUnproven(1, "unproven-limit");
    this.#open.add(conn);
    this.#unproven.set(conn, this.#runtime.now());
    this.#watch(conn);
    this.#startSweep();
  }

  /** Reads until the protocol is known. */
  #watch(conn: Conn): void {
    let first: Uint8Array | undefined;
    conn.handler = {
      data: (chunk) => {
        first = first === undefined ? chunk : concat([first, chunk]);
        const protocol = sniff(first);
        if (protocol !== "more") this.#prove(conn, protocol, first);
      },
      end: () => this.#drop(conn, "ended"),
      close: () => {},
    };
  }

  #prove(conn: Conn, protocol: Exclude<Sniffed, "more">, first: Uint8Array): void {
    this.#unproven.delete(conn);
    this.#metrics.count("monoport_connections_total", protocol);
    const takeOver = this.#options.protocols[protocol];
    if (takeOver !== undefined) {
      takeOver(conn, first);
      return;
    }
    const remote = conn.remote.host;
    this.#log.limited("info", "Closed a connection: its protocol is not served here", {
      protocol,
      remote,
    });
    this.#drop(conn, protocol === "unknown" ? "unknown" : "not-served");
  }

  #drop(conn: Conn, reason: string): void {
    this.#metrics.count("monoport_connections_shed_total", reason);
    this.#unproven.delete(conn);
    conn.destroy();
  }

  #forget(conn: Conn): void {
    this.#open.delete(conn);
    this.#unproven.delete(conn);
  }

  /**
   * Closes up to `count` connections that have shown nothing, the oldest first; returns how many.
   */
  #shedUnproven(count: number, reason: string): number {
    let shed = 0;
    for (const conn of this.#unproven.keys()) {
      if (shed === count) break;
      this.#drop(conn, reason);
      shed++;
    }
    return shed;
  }

  #shed(count: number): number {
    const unproven = this.#shedUnproven(count, "descriptors");
    const idle = unproven < count ? this.#options.shedIdle(count - unproven) : 0;
    for (let i = 0; i < idle; i++)
      this.#metrics.count("monoport_connections_shed_total", "descriptors");
    return unproven + idle;
  }

  #onAcceptError(error: Error & { readonly code?: string }): void {
    this.#metrics.count("monoport_accept_errors_total", error.code ?? "other");
    const exhausted = error.code === "EMFILE" || error.code === "ENFILE";
    const shed = exhausted ? this.#shed(SHED_AT_ONCE) : 0;
    const message = exhausted
      ? "Out of descriptors: idle connections are closed. Raise the limit (ulimit -n)"
      : "Cannot accept connections";
    this.#log.limited("error", message, {
      error: error.code ?? error.message,
      open: this.#open.size,
      shed,
    });
  }

  #startSweep(): void {
    this.#sweep ??= this.#runtime.wakeAt(this.#runtime.now() + SWEEP_MILLIS, () => {
      this.#sweep = undefined;
      const due = this.#runtime.now() - this.#options.firstBytesMillis;
      for (const [conn, since] of this.#unproven) {
        if (since > due) break;
        this.#drop(conn, "first-bytes-deadline");
      }
      if (this.#unproven.size > 0) this.#startSweep();
    });
  }
}
