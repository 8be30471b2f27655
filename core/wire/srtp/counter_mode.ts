/**
 * AES counter mode as SRTP uses it (RFC 3711 §4.1.1), by an AES-ECB object that lives as long as
 * the key: the counter blocks of a whole batch are encrypted in one call.
 *
 *     counter block = (salt << 16) XOR (SSRC << 64) XOR (index << 16) XOR block number
 *
 *     | salt 0..3 | salt 4..7 ^ SSRC | salt 8..13 ^ index (48 bits) | block number (16) |
 *
 * @module
 */
import type { AesEcb } from "../../base/mod.ts";
import { putU32, putU48, u8 } from "../../bytes/mod.ts";

/** Scratch room in bytes that is kept between batches; a larger batch gets its own. */
export const SCRATCH_BYTES: number = 256 * 1024;

/** Room for counter blocks; it grows to the largest usual batch and is used again for the next. */
export class CounterBlocks {
  #bytes = new Uint8Array(2048);
  #words = new Uint32Array(this.#bytes.buffer);
  /** Bytes filled so far. */
  #size = 0;

  clear(): void {
    this.#size = 0;
    if (this.#bytes.length > SCRATCH_BYTES) this.#grow(1024);
  }

  /** Appends the blocks for `length` bytes of keystream; returns where those begin. */
  append(salt: Uint8Array, ssrc: number, index: number, length: number): number {
    const start = this.#size;
    const end = start + ((length + 15) & ~15);
    if (end > this.#bytes.length) this.#grow(end);
    this.#size = end;
    if (end === start) return start;
    const bytes = this.#bytes;
    const words = this.#words;
    putU32(bytes, start, 0);
    putU32(bytes, start + 4, ssrc);
    putU48(bytes, start + 8, index);
    for (let i = 0; i < 14; i++) bytes[start + i] = u8(bytes, start + i) ^ u8(salt, i);
    bytes[start + 14] = 0;
    bytes[start + 15] = 0;
    // The words keep the machine's byte order: copied, never computed with.
    let word = start >> 2;
    const w0 = words[word] ?? 0;
    const w1 = words[word + 1] ?? 0;
    const w2 = words[word + 2] ?? 0;
    const w3 = words[word + 3] ?? 0;
    const blocks = (end - start) >> 4;
    for (let block = 1; block < blocks; block++) {
      word += 4;
      words[word] = w0;
      words[word + 1] = w1;
      words[word + 2] = w2;
      words[word + 3] = w3;
      bytes[word * 4 + 14] = block >> 8;
      bytes[word * 4 + 15] = block;
    }
    return start;
  }

  /** The keystream of all blocks appended since `clear`. */
  encrypt(ecb: AesEcb): Uint8Array {
    return ecb.encrypt(this.#bytes.subarray(0, this.#size));
  }

  /**
   * Encrypts all blocks and XORs the keystream into `target[at..at + length)`. The blocks are
   * overwritten: their room holds an aligned copy of the target, so that words can be XORed.
   */
  xorInto(ecb: AesEcb, target: Uint8Array, at: number, length: number): void {
    const keystream = this.encrypt(ecb);
    this.#bytes.set(target.subarray(at, at + length));
    xorWords(keystream, 0, length, this.#bytes, this.#words, 0);
    target.set(keystream.subarray(0, length), at);
  }

  #grow(size: number): void {
    const bytes = new Uint8Array((size * 2 + 15) & ~15);
    bytes.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer);
  }
}

/**
 * `keystream[from..from + length)` ^= `source[at..)`, by words where the runtime's buffer allows
 * it; up to three bytes behind are changed too. `from` and `at` are multiples of four, `words` is
 * `source` in words.
 */
export function xorWords(
  keystream: Uint8Array,
  from: number,
  length: number,
  source: Uint8Array,
  words: Uint32Array,
  at: number,
): void {
  if ((keystream.byteOffset & 3) !== 0) {
    for (let i = 0; i < length; i++) {
      keystream[from + i] = u8(keystream, from + i) ^ u8(source, at + i);
    }
    return;
  }
  const count = (length + 3) >> 2;
  const out = new Uint32Array(keystream.buffer, keystream.byteOffset + from, count);
  const first = at >> 2;
  for (let i = 0; i < count; i++) out[i] = (out[i] ?? 0) ^ (words[first + i] ?? 0);
}
