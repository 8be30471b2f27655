import { putU32, u32 } from "../../bytes/mod.ts";

/** 32-bit integers that become a table of a box, in order of their coming. */
export class Words {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** How many. */
  get count(): number {
    return this.#length / 4;
  }

  push(value: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    putU32(this.#bytes, this.#length, value >>> 0);
    this.#length += 4;
  }

  at(index: number): number {
    return u32(this.#bytes, index * 4);
  }

  set(index: number, value: number): void {
    putU32(this.#bytes, index * 4, value >>> 0);
  }

  /** Big-endian; a view that further integers may change. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Pairs of a count and a value: as `stts` and `ctts` have them, equal neighbours told once. */
export class Runs {
  readonly words: Words = new Words();

  push(value: number): void {
    const last = this.words.count - 2;
    if (last >= 0 && this.words.at(last + 1) === value >>> 0) {
      this.words.set(last, this.words.at(last) + 1);
      return;
    }
    this.words.push(1);
    this.words.push(value);
  }

  get count(): number {
    return this.words.count / 2;
  }

  /** Whether the only value is 0, or there is none. */
  get allZero(): boolean {
    return this.words.count === 0 || (this.words.count === 2 && this.words.at(1) === 0);
  }
}
