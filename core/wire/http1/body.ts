/**
 * The body of a request, decoded as it comes (RFC 9112 §6, §7.1).
 *
 * ```
 *  chunk   = 1*HEXDIG [ chunk-ext ] CR LF data CR LF
 *  last    = 1*"0" [ chunk-ext ] CR LF
 *  trailer = *( field-line CR LF ) CR LF
 * ```
 *
 * @module
 */
import { Fault } from "../../base/mod.ts";
import { u8 } from "../../bytes/mod.ts";
import { CR, HTAB, hexDigit, isFieldChar, LF, SP } from "./char.ts";
import * as faults from "./fault.ts";
import { decodeFields, findHeadEnd } from "./head.ts";

/** Hexadecimal digits of a chunk size, leading zeros included: 2^48 bytes. */
export const CHUNK_SIZE_DIGITS_MAX = 12;
/** Bytes of one chunk line without its size. */
export const CHUNK_EXTENSION_MAX_BYTES = 256;
/** Bytes of all chunk extensions of a body. */
export const CHUNK_EXTENSIONS_MAX_BYTES: number = 16 * 1024;
/** Bytes of a trailer section. Its fields are checked and dropped. */
export const TRAILERS_MAX_BYTES: number = 8 * 1024;

/** What the next byte of a chunked body belongs to. */
type State =
  | "size"
  | "blank"
  | "extension"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailer";

/** One body in the course of arriving. */
export class BodyDecoder {
  readonly #chunked: boolean;
  #state: State = "size";
  /** Bytes of data still to come: of the body, or of this chunk. */
  #left: number;
  #digits = 0;
  #extension = 0;
  #extensions = 0;
  #trailer: Uint8Array = new Uint8Array(0);
  #trailerLength = 0;
  #done: boolean;

  constructor(framing: { readonly chunked: boolean; readonly contentLength: number }) {
    this.#chunked = framing.chunked;
    this.#left = framing.chunked ? 0 : framing.contentLength;
    this.#done = !framing.chunked && framing.contentLength === 0;
  }

  /** Whether the whole body has come. */
  get done(): boolean {
    return this.#done;
  }

  /** Bytes still to come, or `undefined` for a chunked body that is not done. */
  get remaining(): number | undefined {
    return this.#chunked ? (this.#done ? 0 : undefined) : this.#left;
  }

  /**
   * Decodes `bytes[from..to)`. Data goes into `pieces` as one view of `bytes`, in which it is
   * moved together. Returns the index behind the last byte that belongs to the body.
   */
  decode(bytes: Uint8Array, from: number, to: number, pieces: Uint8Array[]): number | Fault {
    if (this.#done) return from;
    if (this.#chunked) return this.#decodeChunks(bytes, from, to, pieces);
    const end = Math.min(to, from + this.#left);
    this.#left -= end - from;
    this.#done = this.#left === 0;
    if (end > from) pieces.push(bytes.subarray(from, end));
    return end;
  }

  #decodeChunks(bytes: Uint8Array, from: number, to: number, pieces: Uint8Array[]): number | Fault {
    let at = from;
    /** Where the gathered data begins and ends. */
    let dataAt = -1;
    let dataEnd = -1;
    while (at < to && !this.#done) {
      if (this.#state === "data") {
        const end = Math.min(to, at + this.#left);
        if (dataAt < 0) dataAt = dataEnd = at;
        if (dataEnd !== at) bytes.copyWithin(dataEnd, at, end);
        dataEnd += end - at;
        this.#left -= end - at;
        if (this.#left === 0) this.#state = "data-cr";
        at = end;
        continue;
      }
      const next =
        this.#state === "trailer"
          ? this.#decodeTrailer(bytes, at, to)
          : (this.#decodeLine(u8(bytes, at)) ?? at + 1);
      if (next instanceof Fault) return next;
      at = next;
    }
    if (dataEnd > dataAt) pieces.push(bytes.subarray(dataAt, dataEnd));
    return at;
  }

  /** One byte of a chunk line, or of the CR LF behind the data. */
  #decodeLine(byte: number): Fault | undefined {
    switch (this.#state) {
      case "size":
        return this.#decodeSize(byte);
      case "blank":
      case "extension":
        return this.#decodeExtension(byte);
      case "size-lf":
        if (byte !== LF) return faults.BARE_CR;
        this.#digits = 0;
        this.#extension = 0;
        this.#state = this.#left === 0 ? "trailer" : "data";
        return undefined;
      case "data-cr":
        if (byte !== CR) return faults.BAD_CHUNK_END;
        this.#state = "data-lf";
        return undefined;
      default:
        if (byte !== LF) return faults.BAD_CHUNK_END;
        this.#state = "size";
        return undefined;
    }
  }

  #decodeSize(byte: number): Fault | undefined {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > CHUNK_SIZE_DIGITS_MAX) return faults.BAD_CHUNK_SIZE;
      this.#left = this.#left * 16 + digit;
      return undefined;
    }
    if (this.#digits === 0) return faults.BAD_CHUNK_SIZE;
    if (byte === CR) this.#state = "size-lf";
    else if (byte === 0x3b) this.#state = "extension";
    else if (byte === SP || byte === HTAB) this.#state = "blank";
    else return byte === LF ? faults.BARE_LF : faults.BAD_CHUNK_SIZE;
    return undefined;
  }

  /** White space is allowed in front of an extension only, not at the end of the line. */
  #decodeExtension(byte: number): Fault | undefined {
    this.#extension++;
    this.#extensions++;
    if (
      this.#extension > CHUNK_EXTENSION_MAX_BYTES ||
      this.#extensions > CHUNK_EXTENSIONS_MAX_BYTES
    ) {
      return faults.CHUNK_EXTENSIONS_TOO_LARGE;
    }
    if (this.#state === "blank") {
      if (byte === SP || byte === HTAB) return undefined;
      if (byte !== 0x3b) return faults.BAD_CHUNK_SIZE;
      this.#state = "extension";
      return undefined;
    }
    if (byte === CR) this.#state = "size-lf";
    else if (byte === LF) return faults.BARE_LF;
    else if (!isFieldChar(byte)) return faults.BAD_CHUNK_EXTENSION;
    return undefined;
  }

  /** Gathers the trailer section, checks it like header fields and drops it. */
  #decodeTrailer(bytes: Uint8Array, from: number, to: number): number | Fault {
    const before = this.#trailerLength;
    const taken = Math.min(to - from, TRAILERS_MAX_BYTES - before);
    if (taken === 0) return faults.TRAILERS_TOO_LARGE;
    const trailer = this.#growTrailer(before + taken);
    trailer.set(bytes.subarray(from, from + taken), before);
    const end = findTrailerEnd(trailer, before, before + taken);
    if (end instanceof Fault) return end;
    this.#trailerLength = before + taken;
    if (end < 0) return from + taken;
    const checked = decodeFields(trailer, 0, end, []);
    if (checked instanceof Fault) return checked;
    this.#trailer = new Uint8Array(0);
    this.#done = true;
    return from + end - before;
  }

  #growTrailer(size: number): Uint8Array {
    if (size > this.#trailer.length) {
      const grown = new Uint8Array(Math.min(Math.max(2 * size, 64), TRAILERS_MAX_BYTES));
      grown.set(this.#trailer.subarray(0, this.#trailerLength));
      this.#trailer = grown;
    }
    return this.#trailer;
  }
}

/** Like `findHeadEnd`, for a section that may be the empty line alone. */
function findTrailerEnd(trailer: Uint8Array, from: number, to: number): number | Fault {
  if (to >= 2 && u8(trailer, 0) === CR && u8(trailer, 1) === LF) return 2;
  return findHeadEnd(trailer, 0, from, to);
}
