/** Parts of payloads that make up a frame. @module */

interface Piece {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}

export class Pieces {
  #pieces: Piece[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    if (to <= from) return;
    this.#pieces.push({ bytes, from, to });
    this.#size += to - from;
  }

  /** All of them in one array; begins anew. */
  take(): Uint8Array {
    const out = new Uint8Array(this.#size);
    let at = 0;
    for (const { bytes, from, to } of this.#pieces) {
      out.set(bytes.subarray(from, to), at);
      at += to - from;
    }
    this.#pieces = [];
    this.#size = 0;
    return out;
  }
}
