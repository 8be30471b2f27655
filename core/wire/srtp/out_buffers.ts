/** Buffers for what is sealed, used again when nobody holds them. @module */

/** The smallest buffer that is kept is of 2^9 bytes, the largest of 2^14. */
const LEAST_BITS = 9;
const MOST_BITS = 14;
/** Buffers of one size that are kept. */
export const MAX_KEPT_BUFFERS = 64;
/** When none is left, one copy of so many is made to be used again: on some runtimes none comes back. */
export const COPIES_PER_BUFFER = 8;

export class OutBuffers {
  /** By size: less than half of a buffer that somebody holds is for nothing. */
  readonly #kept: Uint8Array[][] = [];
  #copies = 0;

  constructor() {
    for (let bits = LEAST_BITS; bits <= MOST_BITS; bits++) this.#kept.push([]);
  }

  /** A copy of `source[from..to)`. */
  copy(source: Uint8Array, from: number, to: number): Uint8Array {
    const size = to - from;
    const bits = Math.max(LEAST_BITS, 32 - Math.clz32(size - 1));
    if (size === 0 || bits > MOST_BITS) return source.slice(from, to);
    let buffer = this.#kept[bits - LEAST_BITS]?.pop();
    if (buffer === undefined) {
      if (this.#copies++ % COPIES_PER_BUFFER !== 0) return source.slice(from, to);
      buffer = new Uint8Array(1 << bits);
    }
    buffer.set(source.subarray(from, to));
    return buffer.subarray(0, size);
  }

  /** Takes back what `copy` made. */
  give({ buffer }: Uint8Array): void {
    const bits = 31 - Math.clz32(buffer.byteLength);
    const kept = this.#kept[bits - LEAST_BITS];
    if (kept === undefined || kept.length >= MAX_KEPT_BUFFERS) return;
    if (buffer.byteLength === 1 << bits) kept.push(new Uint8Array(buffer));
  }
}
