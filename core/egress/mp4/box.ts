/**
 * Boxes of MP4, read and written (ISO/IEC 14496-12 §4.2).
 *
 * ```
 *  |size (32)|type (32)|  size 1: |size (64)|  contents
 * ```
 *
 * @module
 */
import { latin1, putLatin1, putU32, u32 } from "../../bytes/mod.ts";

/** Bytes of the longest head. */
export const BOX_HEAD_MAX_BYTES = 16;

export interface BoxHead {
  readonly type: string;
  /** In bytes, of the head and of all. */
  readonly headBytes: number;
  readonly bytes: number;
}

/** `undefined` when there is none, it is cut off, or its size cannot be. */
export function decodeBoxHead(bytes: Uint8Array, at = 0): BoxHead | undefined {
  if (bytes.length < at + 8) return undefined;
  const size = u32(bytes, at);
  const type = latin1(bytes, at + 4, at + 8);
  if (size !== 1) return size < 8 ? undefined : { type, headBytes: 8, bytes: size };
  if (bytes.length < at + 16) return undefined;
  const long = u32(bytes, at + 8) * 2 ** 32 + u32(bytes, at + 12);
  return long < 16 || long > Number.MAX_SAFE_INTEGER
    ? undefined
    : { type, headBytes: 16, bytes: long };
}

/** Contents of the boxes inside `bytes`, by type, in order; what is cut off is left out. */
export function boxesIn(bytes: Uint8Array): { type: string; all: Uint8Array; body: Uint8Array }[] {
  const found = [];
  for (let at = 0; ; ) {
    const head = decodeBoxHead(bytes, at);
    if (head === undefined || at + head.bytes > bytes.length) return found;
    const all = bytes.subarray(at, at + head.bytes);
    found.push({ type: head.type, all, body: all.subarray(head.headBytes) });
    at += head.bytes;
  }
}

/** The contents of the first box at the end of a path of types. */
export function boxAt(bytes: Uint8Array, ...path: readonly string[]): Uint8Array | undefined {
  let inside: Uint8Array | undefined = bytes;
  for (const wanted of path) {
    inside = inside && boxesIn(inside).find(({ type }) => type === wanted)?.body;
  }
  return inside;
}

/** A box as its pieces, so that large contents are copied once, at the end. */
export type Pieces = readonly Uint8Array[];

export function lengthOf(pieces: Pieces): number {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}

/** A box with these contents; they must not be 4 GiB. */
export function box(type: string, ...contents: readonly Pieces[]): Pieces {
  const head = new Uint8Array(8);
  let length = 8;
  for (const pieces of contents) length += lengthOf(pieces);
  putU32(head, 0, length);
  putLatin1(head, 4, type);
  return [head, ...contents.flat()];
}

/** The same with a version and flags in front of its contents (§4.2). */
export function fullBox(
  type: string,
  version: number,
  flags: number,
  ...contents: readonly Pieces[]
): Pieces {
  return box(type, [words([version * 2 ** 24 + flags])], ...contents);
}

/** 32-bit integers; of negative ones the two's complement. */
export function words(values: readonly number[]): Uint8Array {
  const out = new Uint8Array(values.length * 4);
  for (const [i, value] of values.entries()) putU32(out, i * 4, value >>> 0);
  return out;
}
