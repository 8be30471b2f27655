import type { Conn, Millis } from "../../core/base/mod.ts";
import type { HeldBytes, Holding } from "../limits/held_bytes.ts";
import type { Exceeded } from "../limits/quota.ts";

interface Entry {
  key: string;
  readonly since: Millis;
  holding: Holding | undefined;
}

/**
 * Connections that have not shown their protocol yet, in all and by address, the oldest first, and
 * the bytes that are kept for them.
 */
export class Unproven {
  readonly #held: HeldBytes | undefined;
  readonly #entries = new Map<Conn, Entry>();
  readonly #byAddress = new Map<string, Set<Conn>>();

  constructor(held?: HeldBytes) {
    this.#held = held;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Adds one, or starts its time anew. */
  add(conn: Conn, key: string, now: Millis): void {
    this.delete(conn);
    this.#entries.set(conn, { key, since: now, holding: this.#held?.begin(key) });
    this.#file(conn, key);
  }

  /** The address turned out to be another; the time runs on. */
  rename(conn: Conn, key: string): void {
    const entry = this.#entries.get(conn);
    if (entry === undefined) return;
    entry.holding?.release();
    this.#unfile(conn, entry.key);
    entry.key = key;
    entry.holding = this.#held?.begin(key);
    this.#file(conn, key);
  }

  /** So many bytes of it are kept now; tells which bound that would break. */
  keeps(conn: Conn, bytes: number): Exceeded | undefined {
    return this.#entries.get(conn)?.holding?.set(bytes);
  }

  delete(conn: Conn): void {
    const entry = this.#entries.get(conn);
    if (entry === undefined) return;
    entry.holding?.release();
    this.#entries.delete(conn);
    this.#unfile(conn, entry.key);
  }

  countOf(key: string): number {
    return this.#byAddress.get(key)?.size ?? 0;
  }

  oldest(): Conn | undefined {
    for (const conn of this.#entries.keys()) return conn;
    return undefined;
  }

  oldestOf(key: string): Conn | undefined {
    for (const conn of this.#byAddress.get(key) ?? []) return conn;
    return undefined;
  }

  /** The oldest, when it came at `due` or before. */
  late(due: Millis): Conn | undefined {
    for (const [conn, { since }] of this.#entries) return since <= due ? conn : undefined;
    return undefined;
  }

  #file(conn: Conn, key: string): void {
    const same = this.#byAddress.get(key);
    if (same === undefined) this.#byAddress.set(key, new Set([conn]));
    else same.add(conn);
  }

  #unfile(conn: Conn, key: string): void {
    const same = this.#byAddress.get(key);
    same?.delete(conn);
    if (same?.size === 0) this.#byAddress.delete(key);
  }
}
