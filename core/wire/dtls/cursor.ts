import { u8, u16, u24 } from "../../bytes/mod.ts";

const NOTHING = new Uint8Array(0);

/**
 * Reads TLS presentation language (RFC 5246 §4) front to back. A read past the end gives zeros and
 * sets `failed` for good, so that a decoder checks once, at its end.
 */
export class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;
  #failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Something was read past the end. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Everything was read, and nothing past the end. */
  get done(): boolean {
    return !this.#failed && this.#at === this.#bytes.length;
  }

  u8(): number {
    return this.#take(1) ? u8(this.#bytes, this.#at - 1) : 0;
  }

  u16(): number {
    return this.#take(2) ? u16(this.#bytes, this.#at - 2) : 0;
  }

  u24(): number {
    return this.#take(3) ? u24(this.#bytes, this.#at - 3) : 0;
  }

  /** A view of the next `size` bytes. */
  bytes(size: number): Uint8Array {
    return this.#take(size) ? this.#bytes.subarray(this.#at - size, this.#at) : NOTHING;
  }

  /** `opaque<0..2^8-1>` */
  vector8(): Uint8Array {
    return this.bytes(this.u8());
  }

  /** `opaque<0..2^16-1>` */
  vector16(): Uint8Array {
    return this.bytes(this.u16());
  }

  /** `opaque<0..2^24-1>` */
  vector24(): Uint8Array {
    return this.bytes(this.u24());
  }

  #take(size: number): boolean {
    if (this.#failed || size > this.#bytes.length - this.#at) {
      this.#failed = true;
      return false;
    }
    this.#at += size;
    return true;
  }
}
