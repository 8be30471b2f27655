import { Fault } from "../../base/mod.ts";
import { u8 } from "../../bytes/mod.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";

export const FRAME_TOO_LONG: Fault = /* @__PURE__ */ new Fault(
  "core/wire/rfc4571",
  "frame-too-long",
  "RFC 4571 §2",
);

/**
 * A DTLS record at its largest (RFC 6347 §4.1: 13 + 2^14 + 2048 bytes); nothing else comes near.
 */
export const DEFAULT_MAX_FRAME_BYTES: number = 18_445;

/**
 * First buffer of a frame that spans chunks; it grows with what came, not with what was announced.
 */
const FIRST_CARRY_BYTES = 2048;

const NOTHING: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

export interface DeframerOptions {
  /** Longer frames are a fault. Default `DEFAULT_MAX_FRAME_BYTES`. */
  readonly maxFrameBytes?: number;
}

/**
 * Cuts a byte stream into packets. After each `push`, call `poll` until it returns `undefined`.
 *
 * Holds at most one frame, and at most twice the bytes of it that arrived. Linear in the bytes
 * pushed, however they are cut.
 */
export class Deframer {
  readonly #maxFrameBytes: number;
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  /** First byte of a length cut in two, or -1. */
  #highByte = -1;
  /** Bytes of the frame in `#carry`, once its length is known. */
  #need = 0;
  #carry: Uint8Array = NOTHING;
  #have = 0;
  #fault: Fault | undefined;

  constructor(options: DeframerOptions = {}) {
    this.#maxFrameBytes = options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
  }

  /** Bytes of an unfinished frame that are being held. */
  get buffered(): number {
    return this.#have;
  }

  /** Takes `chunk` over: it must not change, because frames may be views of it. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * The next packet, never empty: a view of the pushed chunk, or of a buffer of its own when the
   * packet came in pieces; either belongs to the caller. `undefined` when more bytes are needed. A
   * fault is final.
   */
  poll(): Uint8Array | Fault | undefined {
    while (this.#fault === undefined) {
      if (this.#need > 0) return this.#continueCarry();
      const length = this.#readLength();
      if (length === undefined) return this.#release();
      if (length === 0) continue; // a null packet
      if (length > this.#maxFrameBytes) {
        this.#fault = FRAME_TOO_LONG;
        break;
      }
      const end = this.#at + length;
      if (end <= this.#chunk.length) {
        const packet = this.#chunk.subarray(this.#at, end);
        this.#at = end;
        return packet;
      }
      this.#need = length;
      this.#carry = new Uint8Array(Math.min(length, FIRST_CARRY_BYTES));
    }
    this.#release();
    return this.#fault;
  }

  #readLength(): number | undefined {
    const left = this.#chunk.length - this.#at;
    if (this.#highByte >= 0) {
      if (left < 1) return undefined;
      const length = (this.#highByte << 8) | u8(this.#chunk, this.#at);
      this.#highByte = -1;
      this.#at += 1;
      return length;
    }
    if (left >= FRAME_HEADER_BYTES) {
      const length = (u8(this.#chunk, this.#at) << 8) | u8(this.#chunk, this.#at + 1);
      this.#at += FRAME_HEADER_BYTES;
      return length;
    }
    if (left === 1) {
      this.#highByte = u8(this.#chunk, this.#at);
      this.#at += 1;
    }
    return undefined;
  }

  #continueCarry(): Uint8Array | undefined {
    const take = Math.min(this.#need - this.#have, this.#chunk.length - this.#at);
    const total = this.#have + take;
    if (total > this.#carry.length) {
      const grown = new Uint8Array(Math.min(this.#need, Math.max(total, this.#carry.length * 2)));
      grown.set(this.#carry.subarray(0, this.#have));
      this.#carry = grown;
    }
    this.#carry.set(this.#chunk.subarray(this.#at, this.#at + take), this.#have);
    this.#at += take;
    this.#have = total;
    if (total < this.#need) return this.#release();
    const packet = this.#carry.length === total ? this.#carry : this.#carry.subarray(0, total);
    this.#need = 0;
    this.#have = 0;
    this.#carry = NOTHING;
    return packet;
  }

  /** A drained chunk is let go, so that one small packet does not keep a large read alive. */
  #release(): undefined {
    this.#chunk = NOTHING;
    this.#at = 0;
  }
}
