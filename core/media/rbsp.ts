/** Raw byte sequence payloads of H.264 and H.265. @module */
import { u8 } from "../bytes/mod.ts";

/** More than any parameter set needs up to the size of its pictures. */
export const MAX_RBSP_BYTES = 1024;

/**
 * Copies at most `MAX_RBSP_BYTES` of the NAL unit `bytes[from..to)` without its emulation
 * prevention bytes (ITU-T H.264 §7.4.1).
 */
export function rbspOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const end = Math.min(to, from + MAX_RBSP_BYTES);
  const out = new Uint8Array(Math.max(0, end - from));
  let size = 0;
  let zeros = 0;
  for (let at = from; at < end; at++) {
    const byte = u8(bytes, at);
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[size++] = byte;
  }
  return out.subarray(0, size);
}
