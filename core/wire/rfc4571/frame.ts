import { MonoportError } from "../../base/mod.ts";
import { putU16 } from "../../bytes/mod.ts";

/** Bytes of the length in front of each packet. */
export const FRAME_HEADER_BYTES: number = 2;

/** Largest packet the 16-bit length can announce. */
export const FRAME_LIMIT_BYTES: number = 0xffff;

/**
 * Writes the header of a packet of `length` bytes at `at`; returns where the packet goes.
 *
 * @throws MonoportError `api-misuse` when `length` does not fit 16 bits.
 */
export function frame(out: Uint8Array, at: number, length: number): number {
  if (length > FRAME_LIMIT_BYTES) {
    throw new MonoportError(
      "api-misuse",
      `Cannot frame ${length} bytes: RFC 4571 has room for ${FRAME_LIMIT_BYTES}`,
    );
  }
  putU16(out, at, length);
  return at + FRAME_HEADER_BYTES;
}

/** A fresh array with `packet` behind its header, for one write. */
export function framed(packet: Uint8Array): Uint8Array {
  const out = new Uint8Array(FRAME_HEADER_BYTES + packet.length);
  out.set(packet, frame(out, 0, packet.length));
  return out;
}
