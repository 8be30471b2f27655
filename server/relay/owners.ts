/** For whose sake streams are fetched by rules for a whole app: no address has too many. @module */
import type { AddressSet } from "../address_ranges.ts";
import { addressKey } from "../limits/address_key.ts";
import { Quota } from "../limits/quota.ts";

/** Watched by nobody who has an address, or by a proxy that stands for many. */
const NOBODY = "";

export class Owners {
  readonly #quota: Quota;
  readonly #many: AddressSet;
  /** By id of the relay. */
  readonly #owners = new Map<string, string>();

  /** `many`: proxies and balancers, which have no bound. */
  constructor(perAddress: number, many: AddressSet) {
    this.#quota = new Quota({ total: Number.POSITIVE_INFINITY, perAddress });
    this.#many = many;
  }

  /** Who of those who watch a stream may have it fetched; `undefined`: all of them have too many. */
  find(watching: Iterable<string>): string | undefined {
    let anybody = false;
    for (const address of watching) {
      if (address === NOBODY || this.#many.has(address)) return NOBODY;
      const key = addressKey(address);
      if (this.#quota.exceeds(key) === undefined) return key;
      anybody = true;
    }
    return anybody ? undefined : NOBODY;
  }

  /** `owner`, as `find` gave it, has a relay fetched. */
  add(id: string, owner: string): void {
    if (owner === NOBODY) return;
    this.#owners.set(id, owner);
    this.#quota.add(owner);
  }

  /** The relay is gone. */
  delete(id: string): void {
    const owner = this.#owners.get(id);
    if (owner !== undefined) this.#quota.give(owner);
    this.#owners.delete(id);
  }
}
