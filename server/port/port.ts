/**
 * The shared port: takes connections, tells by their first bytes what they are, and hands them on.
 *
 * A connection that has not shown its protocol costs a few bytes, has a deadline, and is the first
 * to go when the process runs out of connections or descriptors.
 *
 * @module
 */
import {
  type Conn,
  type Endpoint,
  isFault,
  type Listener,
  type Millis,
  type Runtime,
  type TlsOptions,
} from "../../core/base/mod.ts";
import { concat } from "../../core/bytes/mod.ts";
import type { ValidationCertificate } from "../../core/session/acme_tls/mod.ts";
import { type Sniffed, sniff } from "../../core/session/sniff/mod.ts";
import { decodeClientHello } from "../../core/wire/clienthello/mod.ts";
import { decodeProxyHeader } from "../../core/wire/proxy_protocol/mod.ts";
import { AddressBounds } from "../limits/address_bounds.ts";
import { addressKey } from "../limits/address_key.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { ACME_TLS, showValidation } from "../tls/mod.ts";
import { linger } from "./linger.ts";
import type { PortOptions, PortTls } from "./port_options.ts";
import { seenFrom } from "./proxied_conn.ts";
import { Unproven } from "./unproven.ts";

/** Connections closed at a time when accepting fails for want of descriptors. */
const SHED_AT_ONCE = 32;
const SWEEP_MILLIS = 250;

/** An accepted connection on its way to its protocol. */
interface Arrival {
  readonly accepted: Conn;
  /** The one that is read: `accepted`, the same behind a PROXY header, or the plaintext of its TLS. */
  readonly conn: Conn;
  readonly secure: boolean;
  /** Whether a PROXY header was read. */
  readonly proxied: boolean;
}

const NOTHING = new Uint8Array(0);
/** A fatal alert in a record of TLS 1.2 (RFC 8446 §6, RFC 7301 §3.2). */
const NO_APPLICATION_PROTOCOL = Uint8Array.of(21, 3, 3, 0, 2, 2, 120);

export class Port {
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #options: PortOptions;
  readonly #listeners: Listener[] = [];
  readonly #open = new Set<Conn>();
  readonly #unproven: Unproven;
  readonly #addresses: AddressBounds;
  /** Accepted connections in their TLS handshake, which has a deadline of its own. */
  readonly #handshaking = new Set<Conn>();
  #sweep: Disposable | undefined;
  #whenEmpty: () => void = () => {};

  constructor(runtime: Runtime, log: Log, metrics: Metrics, options: PortOptions) {
    this.#runtime = runtime;
    this.#log = log;
    this.#metrics = metrics;
    this.#options = options;
    this.#unproven = new Unproven(options.held);
    this.#addresses = new AddressBounds(options.perAddress);
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#open.size;
  }

  /** Connections that have not shown their protocol. */
  get unproven(): number {
    return this.#unproven.size + this.#handshaking.size;
  }

  async listen(at: { readonly host?: string; readonly port: number }): Promise<Endpoint> {
    const listener = await this.#runtime.listen(
      {
        ...at,
        tls: this.#options.tls !== undefined,
        onAcceptError: (error) => this.#onAcceptError(error),
        onConnClosed: (conn) => this.#forget(conn),
      },
      (conn) => this.#onConn(conn),
    );
    this.#listeners.push(listener);
    return listener.local;
  }

  /**
   * Stops accepting and closes every connection. Those whose last bytes are on their way get
   * `lastBytesMillis` at most.
   */
  async close(lastBytesMillis: Millis = 0): Promise<void> {
    this.#sweep?.[Symbol.dispose]();
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
    this.#shedUnproven(this.unproven, "closing");
    if (lastBytesMillis > 0) await this.#emptied(lastBytesMillis);
    for (const conn of this.#open) conn.destroy();
  }

  /** Resolves when no connection is left, after `millis` at the latest. */
  #emptied(millis: Millis): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const late = this.#runtime.wakeAt(this.#runtime.now() + millis, resolve);
      this.#whenEmpty = () => {
        late[Symbol.dispose]();
        resolve();
      };
    });
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
    if (this.unproven >= this.#options.maxUnproven) this.#shedUnproven(1, "unproven-limit");
    this.#open.add(conn);
    const arrival = { accepted: conn, conn, secure: false, proxied: false };
    if (this.#admit(arrival)) this.#watch(arrival);
  }

  /** Counts a connection for its client's address, unless that has too many already. */
  #admit({ accepted, conn }: Arrival): boolean {
    const { host } = conn.remote;
    if (!this.#addresses.take(accepted, host)) {
      const message = "Refused a connection: its address has limits.connections_per_address";
      this.#log.limited("warn", message, { remote: host });
      this.#drop(accepted, "connections-per-address");
      return false;
    }
    const key = addressKey(host);
    const oldest = this.#unproven.oldestOf(key);
    if (oldest !== undefined && this.#unproven.countOf(key) >= this.#addresses.unprovenMost(host)) {
      this.#drop(oldest, "unproven-per-address");
    }
    return true;
  }

  /** Reads until the protocol is known. */
  #watch(arrival: Arrival): void {
    const { accepted, conn } = arrival;
    this.#unproven.add(accepted, addressKey(conn.remote.host), this.#runtime.now());
    this.#startSweep();
    this.#sniff(arrival, NOTHING);
  }

  #sniff(arrival: Arrival, first: Uint8Array): void {
    this.#gather(arrival, first, (read) => {
      const protocol = sniff(read);
      if (protocol === "more") return false;
      this.#prove(arrival, protocol, read);
      return true;
    });
  }

  /** Gives everything that was read so far to `step`, until it says that it did something with it. */
  #gather(
    { accepted, conn }: Arrival,
    read: Uint8Array,
    step: (read: Uint8Array) => boolean,
  ): void {
    if (read.length > 0 && step(read)) return;
    let all = read;
    conn.handler = {
      data: (chunk) => {
        all = all.length === 0 ? chunk : concat([all, chunk]);
        if (!step(all) && this.#unproven.keeps(accepted, all.length)) {
          this.#drop(accepted, "unproven-bytes");
        }
      },
      end: () => this.#drop(accepted, "ended"),
      close: () => {},
    };
  }

  #prove(arrival: Arrival, protocol: Exclude<Sniffed, "more">, first: Uint8Array): void {
    const { accepted, conn, secure } = arrival;
    const { tls } = this.#options;
    if ((protocol === "proxy-v1" || protocol === "proxy-v2") && !secure && !arrival.proxied) {
      this.#readProxyHeader(arrival, protocol, first);
      return;
    }
    const counter = secure ? "monoport_tls_connections_total" : "monoport_connections_total";
    this.#metrics.count(counter, protocol);
    if (protocol === "tls" && tls !== undefined && !secure) {
      this.#readClientHello(arrival, first, tls);
      return;
    }
    this.#unproven.delete(accepted);
    const takeOver = (secure ? tls?.protocols : this.#options.protocols)?.[protocol];
    if (takeOver !== undefined) {
      takeOver(conn, first);
      return;
    }
    this.#log.limited("info", "Closed a connection: its protocol is not served here", {
      protocol,
      tls: secure,
      remote: conn.remote.host,
    });
    this.#drop(accepted, protocol === "unknown" ? "unknown" : "not-served");
  }

  /** Still under the deadline of the first bytes; the client's own are looked at afresh behind it. */
  #readProxyHeader(arrival: Arrival, version: string, first: Uint8Array): void {
    const { accepted, conn } = arrival;
    const { remote } = accepted;
    if (!this.#options.proxies?.has(remote.host)) {
      const message = "Refused a PROXY header: its sender is not in proxy_protocol.from";
      this.#log.limited("warn", message, { remote: remote.host });
      this.#drop(accepted, "proxy-not-listed");
      return;
    }
    this.#gather(arrival, first, (read) => {
      const header = decodeProxyHeader(read);
      if (header === undefined) return false;
      if (isFault(header)) {
        this.#metrics.fault(header);
        this.#drop(accepted, "bad-proxy-header");
        return true;
      }
      this.#metrics.count("monoport_proxied_connections_total", version);
      const seen = header.addresses ? seenFrom(conn, header.addresses) : conn;
      const client = { ...arrival, conn: seen, proxied: true };
      if (seen !== conn && !this.#admit(client)) return true;
      this.#unproven.rename(accepted, addressKey(seen.remote.host));
      this.#sniff(client, read.subarray(header.size));
      return true;
    });
  }

  /** Still under the deadline of the first bytes. */
  #readClientHello(arrival: Arrival, first: Uint8Array, tls: PortTls): void {
    this.#gather(arrival, first, (read) => {
      const hello = decodeClientHello(read);
      if (hello === undefined) return false;
      if (isFault(hello)) {
        this.#metrics.fault(hello);
        this.#metrics.count("monoport_tls_handshakes_failed_total", "client-hello");
        this.#unproven.delete(arrival.accepted);
        arrival.accepted.destroy();
        return true;
      }
      if (this.#handshakesTooOften(arrival)) return true;
      this.#unproven.delete(arrival.accepted);
      const choice = tls.choose(hello);
      if (choice === undefined) {
        this.#metrics.count("monoport_tls_handshakes_failed_total", "alpn");
        arrival.conn.write(NO_APPLICATION_PROTOCOL);
        linger(this.#runtime, arrival.conn);
        return true;
      }
      this.#handshaking.add(arrival.accepted);
      const handshake =
        "validation" in choice
          ? this.#showValidation(arrival, read, tls, choice.validation)
          : this.#handshake(arrival, read, tls, choice);
      handshake.catch((error) => this.#failHandshake(arrival, error));
      return true;
    });
  }

  /** A ClientHello costs its sender nothing and us a signature. */
  #handshakesTooOften({ accepted, conn }: Arrival): boolean {
    const { host } = conn.remote;
    if (this.#addresses.mayShakeHands(host, this.#runtime.now())) return false;
    this.#metrics.count("monoport_tls_handshakes_failed_total", "rate");
    this.#log.limited("warn", "Refused TLS handshakes: limits.tls_handshakes_per_second", {
      remote: host,
    });
    this.#unproven.delete(accepted);
    accepted.destroy();
    return true;
  }

  async #handshake(
    { accepted, conn, proxied }: Arrival,
    first: Uint8Array,
    tls: PortTls,
    { context, alpn }: Pick<TlsOptions, "context" | "alpn">,
  ): Promise<void> {
    const { handshakeMillis } = tls;
    const plain = await conn.startTls(first, {
      context,
      ...(alpn ? { alpn } : {}),
      handshakeMillis,
    });
    this.#handshaking.delete(accepted);
    if (this.#open.has(accepted)) this.#watch({ accepted, conn: plain, secure: true, proxied });
    else plain.destroy();
  }

  async #showValidation(
    { accepted, conn }: Arrival,
    first: Uint8Array,
    { handshakeMillis }: PortTls,
    shown: ValidationCertificate,
  ): Promise<void> {
    const done = await showValidation(this.#runtime, conn, first, shown, handshakeMillis);
    this.#handshaking.delete(accepted);
    if (done) this.#metrics.count("monoport_tls_connections_total", ACME_TLS);
    else this.#metrics.count("monoport_tls_handshakes_failed_total", "refused");
  }

  #failHandshake({ accepted, conn }: Arrival, error: { readonly code?: string }): void {
    const reason = { ETIMEDOUT: "timeout", ECONNRESET: "left" }[error.code ?? ""] ?? "refused";
    this.#handshaking.delete(accepted);
    this.#metrics.count("monoport_tls_handshakes_failed_total", reason);
    this.#log.limited("debug", "A TLS handshake failed", {
      error: String(error),
      remote: conn.remote.host,
    });
    accepted.destroy();
  }

  #drop(conn: Conn, reason: string): void {
    this.#metrics.count("monoport_connections_shed_total", reason);
    this.#unproven.delete(conn);
    this.#handshaking.delete(conn);
    conn.destroy();
  }

  #forget(conn: Conn): void {
    this.#open.delete(conn);
    this.#unproven.delete(conn);
    this.#handshaking.delete(conn);
    this.#addresses.give(conn);
    if (this.#open.size === 0) this.#whenEmpty();
  }

  /**
   * Closes up to `count` connections that have shown nothing, the oldest first; returns how many.
   */
  #shedUnproven(count: number, reason: string): number {
    for (let shed = 0; shed < count; shed++) {
      const [handshaking] = this.#handshaking;
      const conn = this.#unproven.oldest() ?? handshaking;
      if (conn === undefined) return shed;
      this.#drop(conn, reason);
    }
    return count;
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
      for (let late = this.#unproven.late(due); late; late = this.#unproven.late(due)) {
        this.#drop(late, "first-bytes-deadline");
      }
      if (this.#unproven.size > 0) this.#startSweep();
    });
  }
}
