import { u16, u32 } from "../bytes/mod.ts";

const MAX_PACKETS = 256;
const MAX_BYTES = 256 * 1024;

/**
 * The last sealed packets of a viewer without RTX. A repetition must be the same bytes: sealing
 * the packet again, with another transport-wide number, would use its keystream twice.
 */
export class SealedRing {
  readonly #packets: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Copies the packets of `ssrc` out of a delivery (each with its two length bytes in front). */
  put(delivery: Uint8Array, ssrc: number): void {
    for (let at = 0; at + 2 <= delivery.length; ) {
      const end = at + 2 + u16(delivery, at);
      if (end > delivery.length || end < at + 14) return;
      if (u32(delivery, at + 10) === ssrc) {
        this.#packets.push(delivery.slice(at, end));
        this.#bytes += end - at;
      }
      at = end;
    }
    while (this.#packets.length > MAX_PACKETS || this.#bytes > MAX_BYTES) {
      this.#bytes -= this.#packets.shift()?.length ?? 0;
    }
  }

  /** The framed packet, or `undefined` when it is gone. */
  find(ssrc: number, sequenceNumber: number): Uint8Array | undefined {
    for (let i = this.#packets.length - 1; i >= 0; i--) {
      const packet = this.#packets[i];
      if (packet === undefined) continue;
      if (u16(packet, 4) === sequenceNumber && u32(packet, 10) === ssrc) return packet;
    }
    return undefined;
  }
}
