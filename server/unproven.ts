import type { Conn, Millis } from "../core/base/mod.ts";

/** Connections that have not shown their protocol yet, in all and by address, the oldest first. */
export class Unproven {
  readonly #since = new Map<Conn, Millis>();
  readonly #keys = new Map<Conn, string>();
  readonly #byAddress = new Map<string, Set<Conn>>();

  get size(): number {
    return this.#since.size;
  }

  /** Adds one, or starts its time anew. */
  add(conn: Conn, key: string, now: Millis): void {
    this.delete(conn);
    this.#since.set(conn, now);
    this.#file(conn, key);
  }

  /** The address turned out to be another; the time runs on. */
  rename(conn: Conn, key: string): void {
    if (this.#unfile(conn)) this.#file(conn, key);
  }

  delete(conn: Conn): void {
    this.#since.delete(conn);
    this.#unfile(conn);
  }

  countOf(key: string): number {
    return this.#byAddress.get(key)?.size ?? 0;
  }

  oldest(): Conn | undefined {
    for (const conn of this.#since.keys()) return conn;
    return undefined;
  }

  oldestOf(key: string): Conn | undefined {
    for (const conn of this.#byAddress.get(key) ?? []) return conn;
    return undefined;
  }

  /** The oldest, when it came at `due` or before. */
  late(due: Millis): Conn | undefined {
    for (const [conn, since] of this.#since) return since <= due ? conn : undefined;
    return undefined;
  }

  #file(conn: Conn, key: string): void {
    this.#keys.set(conn, key);
    const same = this.#byAddress.get(key);
    if (same === undefined) this.#byAddress.set(key, new Set([conn]));
    else same.add(conn);
  }

  #unfile(conn: Conn): boolean {
    const key = this.#keys.get(conn);
    if (key === undefined) return false;
    this.#keys.delete(conn);
    const same = this.#byAddress.get(key);
    same?.delete(conn);
    if (same?.size === 0) this.#byAddress.delete(key);
    return true;
  }
}
