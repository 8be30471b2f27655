import type { OpenFile } from "../../core/base/mod.ts";

/** Bytes read at once. */
export const BLOCK_BYTES: number = 256 * 1024;

/** Reads small pieces of a file, mostly forwards, by large ones. */
export class BlockReader {
  readonly #file: OpenFile;
  #block: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  /** Fewer only at the end of the file; to be used before the next call. */
  async read(at: number, length: number): Promise<Uint8Array> {
    if (at < this.#at || at + length > this.#at + this.#block.length) {
      this.#block = await this.#file.read(at, Math.max(length, BLOCK_BYTES));
      this.#at = at;
    }
    return this.#block.subarray(at - this.#at, at - this.#at + length);
  }
}

/** Copies `length` bytes. */
export async function copy(
  from: OpenFile,
  at: number,
  length: number,
  to: OpenFile,
  toAt: number,
): Promise<void> {
  for (let done = 0; done < length; ) {
    const block = await from.read(at + done, Math.min(4 * BLOCK_BYTES, length - done));
    if (block.length === 0) throw new Error("The file became shorter while it was copied");
    await to.write(block, toAt + done);
    done += block.length;
  }
}
