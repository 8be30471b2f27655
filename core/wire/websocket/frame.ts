/**
 * WebSocket frames (RFC 6455 §5.2): masked ones in, unmasked ones out, as a server has it.
 *
 * ```
 *  0               1               2               3
 *  +-+-+-+-+-------+-+-------------+-------------------------------+
 *  |F|R|R|R| opcode|M|   length    |  length, 16 bits if 126,      |
 *  |I|S|S|S|  (4)  |A|    (7)      |  64 bits if 127               |
 *  |N|V|V|V|       |S|             |                               |
 *  +-+-+-+-+-------+-+-------------+-------------------------------+
 *  |  masking key, 32 bits if MASK                                 |
 *  +---------------------------------------------------------------+
 *  |  payload                                                      |
 * ```
 *
 * @module
 */
import type { Fault } from "../../base/mod.ts";
import { putU16, putU32, u8, u16, u32 } from "../../bytes/mod.ts";
import * as faults from "./fault.ts";
import { isUtf8 } from "./utf8.ts";

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** Payload bytes of a control frame. */
export const CONTROL_MAX_BYTES = 125;
const HEADER_MAX_BYTES = 14;
/**
 * A payload's buffer begins with this much and grows as bytes come, whatever length was claimed.
 */
const FIRST_BUFFER_BYTES = 4096;

export interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  /** Unmasked; belongs to the receiver. */
  readonly payload: Uint8Array;
}

/** The frames of one client, in the course of arriving. */
export class FrameDecoder {
  readonly #maxBytes: number;
  readonly #header = new Uint8Array(HEADER_MAX_BYTES);
  #headerLength = 0;
  #payload: Uint8Array = new Uint8Array(0);
  #payloadLength = 0;
  #payloadSize = -1;

  /** `maxBytes` bounds a payload. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Decodes `bytes[from..)` up to the end of one frame; `undefined` when it has not all come. */
  decode(
    bytes: Uint8Array,
    from: number,
  ): { readonly frame: Frame; readonly end: number } | Fault | undefined {
    let at = from;
    while (this.#payloadSize < 0) {
      if (at === bytes.length) return undefined;
      this.#header[this.#headerLength++] = u8(bytes, at++);
      const bad = this.#checkHeader();
      if (bad !== undefined) return bad;
    }
    const taken = Math.min(bytes.length - at, this.#payloadSize - this.#payloadLength);
    this.#append(bytes, at, taken);
    if (this.#payloadLength < this.#payloadSize) return undefined;
    const first = u8(this.#header, 0);
    const payload = this.#payload.subarray(0, this.#payloadSize);
    this.#headerLength = 0;
    this.#payload = new Uint8Array(0);
    this.#payloadLength = 0;
    this.#payloadSize = -1;
    return {
      frame: { fin: (first & 0x80) !== 0, opcode: first & 0x0f, payload },
      end: at + taken,
    };
  }

  /** Looks at the header as soon as each part of it is there; sets `#payloadSize` at its end. */
  #checkHeader(): Fault | undefined {
    const header = this.#header;
    if (this.#headerLength === 1) return checkFirst(u8(header, 0));
    const control = (u8(header, 0) & 0x0f) >= CLOSE;
    const short = u8(header, 1) & 0x7f;
    if (this.#headerLength === 2) {
      if (u8(header, 1) < 0x80) return faults.NOT_MASKED;
      return control && short > CONTROL_MAX_BYTES ? faults.BAD_CONTROL_FRAME : undefined;
    }
    const lengthEnd = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (this.#headerLength !== lengthEnd && this.#headerLength !== lengthEnd + 4) return undefined;
    const size = decodeLength(header, short);
    if (size < 0) return faults.BAD_LENGTH;
    if (size > this.#maxBytes && !control) return faults.MESSAGE_TOO_BIG;
    if (this.#headerLength === lengthEnd + 4) this.#payloadSize = size;
    return undefined;
  }

  #append(bytes: Uint8Array, from: number, count: number): void {
    const before = this.#payloadLength;
    const needed = before + count;
    if (needed > this.#payload.length) {
      const room = Math.max(needed, 2 * this.#payload.length, FIRST_BUFFER_BYTES);
      const grown = new Uint8Array(Math.min(room, this.#payloadSize));
      grown.set(this.#payload.subarray(0, before));
      this.#payload = grown;
    }
    const keyAt = this.#headerLength - 4;
    const payload = this.#payload;
    for (let i = 0; i < count; i++) {
      payload[before + i] = u8(bytes, from + i) ^ u8(this.#header, keyAt + ((before + i) & 3));
    }
    this.#payloadLength = needed;
  }
}

/** FIN, reserved bits and opcode. */
function checkFirst(first: number): Fault | undefined {
  const opcode = first & 0x0f;
  const control = opcode >= CLOSE;
  if ((first & 0x70) !== 0) return faults.RESERVED_BIT;
  if ((opcode > BINARY && !control) || opcode > PONG) return faults.BAD_OPCODE;
  return control && first < 0x80 ? faults.BAD_CONTROL_FRAME : undefined;
}

/** The payload length, or -1 when it is not in the shortest form or above 2^53. */
function decodeLength(header: Uint8Array, short: number): number {
  if (short < 126) return short;
  if (short === 126) return u16(header, 2) < 126 ? -1 : u16(header, 2);
  const high = u32(header, 2);
  const length = high * 0x1_0000_0000 + u32(header, 6);
  return high >= 0x20_0000 || length < 0x1_0000 ? -1 : length;
}

/** One frame from a server: not masked. */
export function encodeFrame(opcode: number, payload: Uint8Array, fin = true): Uint8Array {
  const size = payload.length;
  const at = size < 126 ? 2 : size < 0x1_0000 ? 4 : 10;
  const out = new Uint8Array(at + size);
  out[0] = (fin ? 0x80 : 0) | opcode;
  out[1] = at === 2 ? size : at === 4 ? 126 : 127;
  if (at === 4) putU16(out, 2, size);
  else if (at === 10) {
    putU32(out, 2, Math.floor(size / 0x1_0000_0000));
    putU32(out, 6, size % 0x1_0000_0000);
  }
  out.set(payload, at);
  return out;
}

/** Code and reason of a Close frame; 1005 stands for a Close without a code (RFC 6455 §7.1.5). */
export interface CloseReason {
  readonly code: number;
  /** UTF-8. */
  readonly reason: Uint8Array;
}

export function decodeClose(payload: Uint8Array): CloseReason | Fault {
  if (payload.length === 0) return { code: 1005, reason: payload };
  if (payload.length < 2) return faults.BAD_CLOSE;
  const code = u16(payload, 0);
  if (!isCloseCode(code)) return faults.BAD_CLOSE;
  const reason = payload.subarray(2);
  return isUtf8(reason) ? { code, reason } : faults.BAD_UTF8;
}

/**
 * The payload of a Close frame; a reason too long for a control frame is cut between characters.
 */
export function encodeClose(code: number, reason: Uint8Array): Uint8Array {
  if (code === 1005) return new Uint8Array(0);
  let size = Math.min(reason.length, CONTROL_MAX_BYTES - 2);
  while (size > 0 && size < reason.length && (u8(reason, size) & 0xc0) === 0x80) size--;
  const out = new Uint8Array(2 + size);
  putU16(out, 0, code);
  out.set(reason.subarray(0, size), 2);
  return out;
}

/** Codes that may be on the wire (RFC 6455 §7.4; 1012 to 1014 by IANA). */
export function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}
