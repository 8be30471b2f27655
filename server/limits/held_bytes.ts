/** Bytes kept for peers who have proved nothing yet: heads, ClientHellos, bodies. @module */
import { type Exceeded, Quota } from "./quota.ts";

/** One address may hold so large a part of all. */
const SHARE_OF_ONE = 4;

export class HeldBytes {
  readonly #quota: Quota;

  /** At most `total` bytes at a time. */
  constructor(total: number) {
    this.#quota = new Quota({ total, perAddress: Math.ceil(total / SHARE_OF_ONE) });
  }

  get used(): number {
    return this.#quota.used;
  }

  /** Holds nothing yet; `key` as of `addressKey`. */
  begin(key: string): Holding {
    return new Holding(this.#quota, key);
  }
}

/** What is kept for one peer. */
export class Holding {
  readonly #quota: Quota;
  readonly #key: string;
  #bytes = 0;

  constructor(quota: Quota, key: string) {
    this.#quota = quota;
    this.#key = key;
  }

  /** `bytes` are kept now; tells which bound that would break, and keeps what it was then. */
  set(bytes: number): Exceeded | undefined {
    const more = bytes - this.#bytes;
    const exceeded = more > 0 ? this.#quota.take(this.#key, more) : undefined;
    if (exceeded !== undefined) return exceeded;
    if (more < 0) this.#quota.give(this.#key, -more);
    this.#bytes = bytes;
    return undefined;
  }

  /** Nothing is kept any more. Harmless twice. */
  release(): void {
    if (this.#bytes > 0) this.#quota.give(this.#key, this.#bytes);
    this.#bytes = 0;
  }
}
