/** Bytes that have come and not been read yet. @module */
import { u8 } from "../../bytes/mod.ts";

const EMPTY = new Uint8Array(0);

/** Grows by doubling, so that input byte by byte costs linear time. */
export class Input {
  /** Unread bytes are `bytes[at..end)`. */
  bytes: Uint8Array = EMPTY;
  at = 0;
  end = 0;
  /** Whether `bytes` was made here, so that the room behind `end` is ours. */
  #roomy = false;

  get length(): number {
    return this.end - this.at;
  }

  /** Takes `chunk` over. */
  add(chunk: Uint8Array): void {
    if (this.length === 0) {
      this.bytes = chunk;
      this.at = 0;
      this.end = chunk.length;
      this.#roomy = false;
      return;
    }
    if (!this.#roomy || this.end + chunk.length > this.bytes.length) this.#grow(chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** Marks bytes before index `to` of `bytes` as read. What was read whole is not held on to. */
  consume(to: number): void {
    if (to === this.end) this.clear();
    else this.at = to;
  }

  /** Takes out all unread bytes. */
  take(): Uint8Array {
    const rest = this.bytes.subarray(this.at, this.end);
    this.clear();
    return rest;
  }

  clear(): void {
    this.bytes = EMPTY;
    this.at = this.end = 0;
    this.#roomy = false;
  }

  /** Whether the next unread byte is `byte`. */
  startsWith(byte: number): boolean {
    return this.length > 0 && u8(this.bytes, this.at) === byte;
  }

  #grow(more: number): void {
    const grown = new Uint8Array(2 * (this.length + more) + 256);
    grown.set(this.bytes.subarray(this.at, this.end));
    this.end -= this.at;
    this.at = 0;
    this.bytes = grown;
    this.#roomy = true;
  }
}
