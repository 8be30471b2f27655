import { concat, putU16, putU24 } from "../../bytes/mod.ts";

/** One byte of length, then the bytes. */
export function vector8(bytes: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(bytes.length), bytes]);
}

/** Two bytes of length, then the bytes. */
export function vector16(bytes: Uint8Array): Uint8Array {
  return concat([u16Bytes(bytes.length), bytes]);
}

/** Three bytes of length, then the bytes. */
export function vector24(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(3);
  putU24(length, 0, bytes.length);
  return concat([length, bytes]);
}

/** 16-bit integers in a row. */
export function u16Bytes(...values: readonly number[]): Uint8Array {
  const out = new Uint8Array(values.length * 2);
  for (const [i, value] of values.entries()) putU16(out, i * 2, value);
  return out;
}
