/** What the shared port is given. @module */
import type { Conn, Millis } from "../../core/base/mod.ts";
import type { Sniffed } from "../../core/session/sniff/mod.ts";
import type { ClientHello } from "../../core/wire/clienthello/mod.ts";
import type { AddressSet } from "../address_ranges.ts";
import type { HeldBytes } from "../limits/held_bytes.ts";
import type { TlsChoice } from "../tls/mod.ts";

/** Takes a connection over, with every byte that was read; sets `conn.handler`. */
export type TakeOver = (conn: Conn, first: Uint8Array) => void;

/** What speaks TLS on the port. */
export interface PortTls {
  /** `undefined` refuses: nothing the client offers by ALPN is served. */
  readonly choose: (hello: ClientHello) => TlsChoice | undefined;
  readonly handshakeMillis: Millis;
  /** What is served inside. */
  readonly protocols: Partial<Record<Sniffed, TakeOver>>;
}

export interface PortOptions {
  readonly maxConnections: number;
  readonly maxUnproven: number;
  /** Bounds of one address; each absent one is none. */
  readonly perAddress?: AddressLimits;
  /** Where the bytes of those who have shown nothing are counted. */
  readonly held?: HeldBytes;
  readonly firstBytesMillis: Millis;
  /** What is served; a protocol that is not gets its connection closed. */
  readonly protocols: Partial<Record<Sniffed, TakeOver>>;
  /** Who may put a PROXY header before the client's bytes. */
  readonly proxies?: AddressSet;
  /** Absent when TLS is off. */
  readonly tls?: PortTls;
  /** Closes up to `count` connections that wait for something to do; returns how many. */
  readonly shedIdle: (count: number) => number;
}

/** What one address (of IPv6 a /64) may have at a time; balancers that speak for others have none. */
export interface AddressLimits {
  readonly connections: number;
  readonly unproven: number;
  readonly tlsHandshakesPerSecond: number;
  /** Whether an address speaks for many clients. */
  readonly exempt: (host: string) => boolean;
}
