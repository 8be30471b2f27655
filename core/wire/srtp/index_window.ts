/** Which indexes of one SSRC were used, up to `INDEX_WINDOW` back from the highest. @module */

/** Indexes older than this many are taken for used (RFC 3711 §3.3.2 asks for 64 at least). */
export const INDEX_WINDOW = 1024;

/** A sliding bitmap. Asking and marking are apart, so that only authentic packets mark. */
export class IndexWindow {
  readonly #used = new Uint32Array(INDEX_WINDOW / 32);
  /** -1 before the first one. */
  highest: number;
  /** For its owner, who counts uses. */
  usedAt = 0;

  /** With `highest`, that and all before it are taken for used. */
  constructor(highest = -1) {
    this.highest = highest;
    if (highest >= 0) this.#used.fill(0xffff_ffff);
  }

  /** Whether `index` may still be used: not marked, and not older than the window. */
  isFresh(index: number): boolean {
    if (index > this.highest) return true;
    if (index <= this.highest - INDEX_WINDOW) return false;
    const slot = index % INDEX_WINDOW;
    return ((this.#used[slot >> 5] ?? 0) & (1 << (slot & 31))) === 0;
  }

  mark(index: number): void {
    if (index > this.highest) {
      if (index - this.highest >= INDEX_WINDOW) this.#used.fill(0);
      else for (let gap = this.highest + 1; gap < index; gap++) this.#put(gap, false);
      this.highest = index;
    }
    this.#put(index, true);
  }

  #put(index: number, used: boolean): void {
    const slot = index % INDEX_WINDOW;
    const word = this.#used[slot >> 5] ?? 0;
    const bit = 1 << (slot & 31);
    this.#used[slot >> 5] = used ? word | bit : word & ~bit;
  }
}
