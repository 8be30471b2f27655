import type { Millis } from "../base/mod.ts";
import type { StreamPacket } from "./packet.ts";

/** The last packets of a track, for NACK. Bounded in packets, bytes and age. */
export class History {
  readonly #slots: (StreamPacket | undefined)[];
  readonly #maxBytes: number;
  readonly #maxAge: Millis;
  /** Lowest index that may still be held. */
  #oldest = 0;
  #newest = -1;
  #bytes = 0;
  #count = 0;

  /** `capacity` is in packets, `maxAge` in ms. */
  constructor(capacity: number, maxBytes: number, maxAge: Millis) {
    this.#slots = new Array<StreamPacket | undefined>(capacity).fill(undefined);
    this.#maxBytes = maxBytes;
    this.#maxAge = maxAge;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether an index is too far back to be held, so that a duplicate could not be told. */
  isPast(index: number): boolean {
    return index <= this.#newest - this.#slots.length;
  }

  /** Whether an index was held, or could have been, and is not any more. */
  isForgotten(index: number): boolean {
    return index < this.#oldest;
  }

  get(index: number): StreamPacket | undefined {
    const packet = this.#slots[index % this.#slots.length];
    return packet !== undefined && packet.index === index ? packet : undefined;
  }

  /** `packet` is not held yet and not past. */
  put(packet: StreamPacket): void {
    const { index } = packet;
    if (this.#newest < 0 || index < this.#oldest) this.#oldest = index;
    this.#forgetBefore(index - this.#slots.length + 1);
    // After a jump there is nothing to look for in between.
    if (this.#count === 0) this.#oldest = index;
    this.#count++;
    this.#newest = Math.max(index, this.#newest);
    this.#slots[index % this.#slots.length] = packet;
    this.#bytes += packet.bytes.length;
    this.trim(packet.receivedAt);
  }

  /** Forgets what is too old at `now`, and what is above the bound in bytes. */
  trim(now: Millis): void {
    const slots = this.#slots;
    let at = this.#oldest;
    for (; at <= this.#newest; at++) {
      const packet = slots[at % slots.length];
      if (packet === undefined || packet.index !== at) continue;
      if (now - packet.receivedAt <= this.#maxAge && this.#bytes <= this.#maxBytes) break;
      this.#bytes -= packet.bytes.length;
      this.#count--;
      slots[at % slots.length] = undefined;
    }
    this.#oldest = at;
  }

  #forgetBefore(index: number): void {
    const last = Math.min(index - 1, this.#newest);
    // A jump of the source must not cost more than the capacity.
    const from = Math.max(this.#oldest, last - this.#slots.length + 1);
    for (let at = from; at <= last; at++) {
      const slot = at % this.#slots.length;
      const packet = this.#slots[slot];
      if (packet === undefined || packet.index !== at) continue;
      this.#bytes -= packet.bytes.length;
      this.#count--;
      this.#slots[slot] = undefined;
    }
    this.#oldest = Math.max(this.#oldest, index);
  }
}
