/** Parameter sets of H.264 and H.265, the latest of each kind and id. @module */

/** Kept of one stream; encoders have two or three. */
export const PARAMETER_SETS_MAX = 32;

/**
 * Of one of them; encoders' have less than 1 KiB. Every viewer who joins is sent all there are, so they are held
 * to less than the 64 KiB that a decoder configuration has room for.
 */
export const PARAMETER_SET_MAX_BYTES = 8192;

export class ParameterSets {
  readonly #sets = new Map<string, Uint8Array>();
  #changed = false;

  /** `key` tells kind and id. */
  put(key: string, set: Uint8Array): void {
    if (set.length > PARAMETER_SET_MAX_BYTES) return;
    const known = this.#sets.get(key);
    if (known !== undefined && same(known, set)) return;
    if (known === undefined && this.#sets.size >= PARAMETER_SETS_MAX) return;
    this.#sets.set(key, set);
    this.#changed = true;
  }

  /** Whether any has changed since this was asked last. */
  takeChange(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  /** Those whose key begins with `kind`, by key. */
  of(kind: string): Uint8Array[] {
    return [...this.#sets]
      .filter(([key]) => key.startsWith(kind))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, set]) => set);
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
