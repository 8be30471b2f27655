import { u32 } from "../../bytes/mod.ts";

/** A browser checks at most 20 times a second, and mostly once in 2.5 s. */
const REMEMBERED = 64;
const WORDS = 3;

/** The latest STUN transaction ids (96 bits) of a session. */
export class RecentTransactions {
  readonly #words = new Uint32Array(REMEMBERED * WORDS);
  #added = 0;

  add(id: Uint8Array): void {
    const at = (this.#added++ % REMEMBERED) * WORDS;
    for (let i = 0; i < WORDS; i++) this.#words[at + i] = u32(id, 4 * i);
  }

  has(id: Uint8Array): boolean {
    const [a, b, c] = [u32(id, 0), u32(id, 4), u32(id, 8)];
    const words = this.#words;
    for (let at = 0; at < Math.min(this.#added, REMEMBERED) * WORDS; at += WORDS) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c) return true;
    }
    return false;
  }
}
