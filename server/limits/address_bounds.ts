/** What each address has of the port's connections and handshakes. @module */
import type { Conn, Millis } from "../../core/base/mod.ts";
import type { AddressLimits } from "../port/port_options.ts";
import { addressKey } from "./address_key.ts";
import { Quota } from "./quota.ts";
import { RateLimit } from "./rate_limit.ts";

export class AddressBounds {
  readonly #limits: AddressLimits | undefined;
  readonly #connections: Quota;
  /** The connections of those who speak for many are not in it. */
  readonly #counted = new Map<Conn, string>();
  readonly #handshakes: RateLimit | undefined;

  /** Without limits nothing is bound. */
  constructor(limits: AddressLimits | undefined) {
    this.#limits = limits;
    const perAddress = limits?.connections ?? Number.POSITIVE_INFINITY;
    this.#connections = new Quota({ total: Number.POSITIVE_INFINITY, perAddress });
    this.#handshakes = limits && new RateLimit({ perSecond: limits.tlsHandshakesPerSecond });
  }

  /** Counts a connection for its client's address; false when that has too many already. */
  take(conn: Conn, host: string): boolean {
    if (this.#limits === undefined || this.#limits.exempt(host)) return true;
    const key = addressKey(host);
    if (this.#connections.take(key) !== undefined) return false;
    this.#counted.set(conn, key);
    return true;
  }

  /** The connection is gone. Harmless twice, and for one that was not counted. */
  give(conn: Conn): void {
    const key = this.#counted.get(conn);
    this.#counted.delete(conn);
    if (key !== undefined) this.#connections.give(key);
  }

  /** Connections of this address that may have shown nothing. */
  unprovenMost(host: string): number {
    if (this.#limits === undefined || this.#limits.exempt(host)) return Number.POSITIVE_INFINITY;
    return this.#limits.unproven;
  }

  /** Whether the address may begin one more TLS handshake. */
  mayShakeHands(host: string, now: Millis): boolean {
    if (this.#limits?.exempt(host)) return true;
    return (this.#handshakes?.take(addressKey(host), now) ?? 0) === 0;
  }
}
