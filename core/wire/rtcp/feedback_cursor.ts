import { u8, u16, u24 } from "../../bytes/mod.ts";
import { chunkSize, FIXED_BYTES, LARGE, NOT_RECEIVED, SMALL, symbolOf } from "./status_chunk.ts";
import { DELTAS_PER_REFERENCE } from "./transport_feedback.ts";

/**
 * Walks over the packets that one transport-wide feedback reports as received, without making
 * objects, in time linear in its bytes; keep one and `start` it again.
 *
 * ```ts
 * if (cursor.start(bytes, at, end)) while (cursor.next()) use(cursor.position, cursor.arrival);
 * ```
 */
export class TransportFeedbackCursor {
  #bytes: Uint8Array = new Uint8Array(0);
  #chunkAt = 0;
  #chunk = 0;
  /** Packets of the chunk under way, and how many of them were looked at. */
  #size = 0;
  #passed = 0;
  #deltaAt = 0;
  #next = 0;
  /** Transport-wide sequence number (16 bits) of position 0. */
  baseSequence = 0;
  /** Packets it speaks of, received or not. */
  count = 0;
  /** Position of the highest packet received, -1 when none was. */
  highest = -1;
  /** Of the received packet under the cursor. */
  position = -1;
  /** When that packet arrived by the peer's clock, in 250 us, modulo 2^32. */
  arrival = 0;

  /** Begins with the body (from the sender's SSRC on) in `bytes[at..end)`; false when malformed. */
  start(bytes: Uint8Array, at: number, end: number): boolean {
    if (at + FIXED_BYTES > end) return false;
    this.baseSequence = u16(bytes, at + 8);
    this.count = u16(bytes, at + 10);
    const deltaBytes = this.#measure(bytes, at + FIXED_BYTES, end);
    if (deltaBytes < 0 || this.#deltaAt + deltaBytes > end) return false;
    this.#bytes = bytes;
    this.#chunkAt = at + FIXED_BYTES;
    this.#size = 0;
    this.#passed = 0;
    this.#next = 0;
    this.position = -1;
    this.arrival = (u24(bytes, at + 12) * DELTAS_PER_REFERENCE) >>> 0;
    return true;
  }

  /** Goes to the next packet received. */
  next(): boolean {
    while (this.#next < this.count) {
      if (this.#passed === this.#size) this.#nextChunk();
      const symbol = symbolOf(this.#chunk, this.#passed);
      if (symbol === NOT_RECEIVED && (this.#chunk & 0x8000) === 0) {
        this.#next += this.#size;
        this.#passed = this.#size;
        continue;
      }
      this.#passed++;
      const position = this.#next++;
      if (symbol === NOT_RECEIVED) continue;
      this.#readDelta(symbol);
      this.position = position;
      return true;
    }
    return false;
  }

  /** Bytes of all deltas, -1 when malformed; finds where they begin, and the highest received. */
  #measure(bytes: Uint8Array, at: number, end: number): number {
    const { count } = this;
    let size = 0;
    let passed = 0;
    let offset = at;
    this.highest = -1;
    for (; passed < count; offset += 2) {
      if (offset + 2 > end) return -1;
      const chunk = u16(bytes, offset);
      const packets = Math.min(chunkSize(chunk), count - passed);
      if (packets === 0) return -1; // a run of nothing brings nothing on
      if ((chunk & 0x8000) === 0) {
        const symbol = symbolOf(chunk, 0);
        if (symbol > LARGE) return -1;
        size += symbol * packets;
        if (symbol !== NOT_RECEIVED) this.highest = passed + packets - 1;
      } else {
        for (let i = 0; i < packets; i++) {
          const symbol = symbolOf(chunk, i);
          if (symbol > LARGE) return -1;
          size += symbol; // symbols happen to be the sizes of the deltas
          if (symbol !== NOT_RECEIVED) this.highest = passed + i;
        }
      }
      passed += packets;
    }
    this.#deltaAt = offset;
    return size;
  }

  #nextChunk(): void {
    this.#chunk = u16(this.#bytes, this.#chunkAt);
    this.#chunkAt += 2;
    this.#size = chunkSize(this.#chunk);
    this.#passed = 0;
  }

  #readDelta(symbol: number): void {
    const at = this.#deltaAt;
    const delta = symbol === SMALL ? u8(this.#bytes, at) : (u16(this.#bytes, at) << 16) >> 16;
    this.#deltaAt += symbol;
    this.arrival = (this.arrival + delta) >>> 0;
  }
}
