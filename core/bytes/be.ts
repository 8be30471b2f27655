/**
 * Big-endian integers in a `Uint8Array`, without a `DataView` per packet.
 *
 * Callers check the length once, then read.
 *
 * @module
 */

export function u8(b: Uint8Array, at: number): number {
  return b[at]!;
}

export function u16(b: Uint8Array, at: number): number {
  return (b[at]! << 8) | b[at + 1]!;
}

export function u24(b: Uint8Array, at: number): number {
  return (b[at]! << 16) | (b[at + 1]! << 8) | b[at + 2]!;
}

export function u32(b: Uint8Array, at: number): number {
  return ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0;
}

/** 48 bits as a number; exact. */
export function u48(b: Uint8Array, at: number): number {
  return u16(b, at) * 0x1_0000_0000 + u32(b, at + 2);
}

export function putU16(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 8;
  b[at + 1] = v;
}

export function putU24(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 16;
  b[at + 1] = v >>> 8;
  b[at + 2] = v;
}

export function putU32(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 24;
  b[at + 1] = v >>> 16;
  b[at + 2] = v >>> 8;
  b[at + 3] = v;
}

/** Writes the low 48 bits of `v`, which may exceed 32 bits. */
export function putU48(b: Uint8Array, at: number, v: number): void {
  putU16(b, at, Math.floor(v / 0x1_0000_0000));
  putU32(b, at + 2, v % 0x1_0000_0000);
}
