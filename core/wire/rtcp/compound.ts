import type { Fault } from "../../base/mod.ts";
import { u8, u16 } from "../../bytes/mod.ts";
import { BAD_LENGTH, BAD_PADDING, NOT_RTCP, TRUNCATED } from "./packets.ts";

export const HEADER_BYTES: number = 4;

/** Whether a packet on a multiplexed port is RTCP: packet type 192 to 223 (RFC 5761 §4). */
export function isRtcp(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && u8(bytes, 0) >> 6 === 2 && u8(bytes, 1) >= 192 && u8(bytes, 1) <= 223;
}

/**
 * Walks over the packets of one compound without making objects; keep one and `start` it again.
 *
 * ```ts
 * cursor.start(bytes);
 * while (cursor.next()) if (cursor.type === Pt.ReceiverReport) ...
 * ```
 */
export class CompoundCursor {
  #bytes: Uint8Array = new Uint8Array(0);
  #next = 0;
  /** Packet type. */
  type = 0;
  /** The five bits of the first byte: report count, source count or FMT. */
  count = 0;
  /** Offset of the first byte behind the 4-byte header. */
  at = 0;
  /** Offset behind the last byte, padding left out. */
  end = 0;
  /** Why `next` returned `false` before the end, if it did. */
  fault: Fault | undefined;

  start(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#next = 0;
    this.fault = undefined;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  next(): boolean {
    const bytes = this.#bytes;
    const from = this.#next;
    if (this.fault !== undefined || (from === bytes.length && from > 0)) return false;
    if (from + HEADER_BYTES > bytes.length) return this.#fail(TRUNCATED);
    const first = u8(bytes, from);
    if (first >> 6 !== 2) return this.#fail(NOT_RTCP);
    const to = from + (u16(bytes, from + 2) + 1) * 4;
    if (to > bytes.length) return this.#fail(BAD_LENGTH);
    let end = to;
    if ((first & 0x20) !== 0) {
      const padding = u8(bytes, to - 1);
      // RFC 3550 §6.4.1 pads by whole words; libwebrtc and pion pad TWCC by 1 to 3 bytes.
      if (padding === 0 || padding > to - from - HEADER_BYTES) return this.#fail(BAD_PADDING);
      end = to - padding;
    }
    this.type = u8(bytes, from + 1);
    this.count = first & 0x1f;
    this.at = from + HEADER_BYTES;
    this.end = end;
    this.#next = to;
    return true;
  }

  #fail(fault: Fault): false {
    this.fault = fault;
    return false;
  }
}
