/** NAL units gathered out of payloads and fragments, for H.264 and H.265. @module */
import { putU32, u8 } from "../bytes/mod.ts";

/** Bytes of the length in front of each NAL unit. */
export const LENGTH_BYTES = 4;

interface Piece {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/** One NAL unit; `header` stands before its pieces when it came in fragments. */
export class NalUnit {
  readonly #header: readonly number[];
  readonly #pieces: Piece[] = [];
  size: number;

  constructor(header: readonly number[]) {
    this.#header = header;
    this.size = header.length;
  }

  add(bytes: Uint8Array, from: number, to: number): this {
    this.#pieces.push({ bytes, from, to });
    this.size += to - from;
    return this;
  }

  /** First byte. */
  get first(): number {
    const [piece] = this.#pieces;
    return this.#header[0] ?? (piece === undefined ? 0 : u8(piece.bytes, piece.from));
  }

  copyTo(out: Uint8Array, start: number): number {
    out.set(this.#header, start);
    let at = start + this.#header.length;
    for (const { bytes, from, to } of this.#pieces) {
      out.set(bytes.subarray(from, to), at);
      at += to - from;
    }
    return at;
  }

  bytes(): Uint8Array {
    const out = new Uint8Array(this.size);
    this.copyTo(out, 0);
    return out;
  }
}

/** The units one after the other, each behind its length. */
export function sampleOf(units: readonly NalUnit[]): Uint8Array {
  let size = 0;
  for (const unit of units) size += LENGTH_BYTES + unit.size;
  const out = new Uint8Array(size);
  let at = 0;
  for (const unit of units) {
    putU32(out, at, unit.size);
    at = unit.copyTo(out, at + LENGTH_BYTES);
  }
  return out;
}
