/**
 * RTP header extensions (RFC 8285): finding one, and rewriting all for another receiver.
 *
 *     one-byte form, profile 0xbede       two-byte form, profile 0x1000 | appbits
 *      0 1 2 3 4 5 6 7                     0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7
 *     +-+-+-+-+-+-+-+-+--------           +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+------
 *     |  ID   | len-1 | data ...          |      ID       |     length    | data ...
 *
 * ID 0 is one byte of padding in both; in the one-byte form ID 15 ends the list (§4.2).
 *
 * @module
 */
import { putU16, u8 } from "../../bytes/mod.ts";
import { RTP_HEADER_BYTES, type RtpHeader } from "./header.ts";

/** Profile of the one-byte form. */
export const ONE_BYTE_PROFILE = 0xbede;
/** Profile of the two-byte form; its low four bits are the application's. */
export const TWO_BYTE_PROFILE = 0x1000;

/** The extensions a receiver has negotiated. */
export interface ExtensionShape {
  /** 256 entries: the receiver's ID for each of the sender's, 0 for one that is dropped. */
  readonly ids: Uint8Array;
  /** The receiver's ID of the transport-wide sequence number, 0 for none. */
  readonly transportSequenceId: number;
  /**
   * Whether the receiver takes the two-byte form (`a=extmap-allow-mixed`). Without it, elements
   * that do not fit the one-byte form are dropped.
   */
  readonly twoByte: boolean;
}

/** A packet for another receiver. */
export interface ReshapedPacket {
  /** Fresh; no padding. */
  readonly packet: Uint8Array;
  /** Offset of the two (zero) bytes of the transport-wide sequence number, 0 for none. */
  readonly transportSequenceAt: number;
}

/**
 * Offset of the first byte of element `id`, 0 when there is none (or what is there cannot be read).
 * An empty element gives the offset behind its header.
 */
export function findExtension(bytes: Uint8Array, header: RtpHeader, id: number): number {
  const elements = new Elements(bytes, header);
  while (elements.next()) if (elements.id === id) return elements.at;
  return 0;
}

/** Length in bytes of the element that `findExtension` found at `at`. */
export function extensionLength(bytes: Uint8Array, header: RtpHeader, at: number): number {
  const length = u8(bytes, at - 1);
  return header.profile === ONE_BYTE_PROFILE ? (length & 0x0f) + 1 : length;
}

/**
 * A copy of `packet` with the extensions `shape` keeps under the receiver's IDs and a slot for the
 * transport-wide sequence number. One-byte form where all fit (IDs up to 14, 1 to 16 bytes), else
 * two-byte. Extensions that are not RFC 8285 are dropped; CSRCs stay; padding goes.
 */
export function rewriteExtensions(
  packet: Uint8Array,
  header: RtpHeader,
  shape: ExtensionShape,
): ReshapedPacket {
  const twoByte = shape.twoByte && needsTwoByte(packet, header, shape);
  const elementsSize = measure(packet, header, shape, twoByte);
  const fixed = RTP_HEADER_BYTES + (u8(packet, 0) & 0x0f) * 4;
  const words = (elementsSize + 3) >> 2;
  const payloadAt = fixed + (elementsSize === 0 ? 0 : 4 + words * 4);
  const out = new Uint8Array(payloadAt + header.payloadEnd - header.payloadAt);
  out.set(packet.subarray(0, fixed));
  out.set(packet.subarray(header.payloadAt, header.payloadEnd), payloadAt);
  out[0] = (u8(packet, 0) & 0xcf) | (elementsSize === 0 ? 0 : 0x10);
  if (elementsSize === 0) return { packet: out, transportSequenceAt: 0 };

  putU16(out, fixed, twoByte ? TWO_BYTE_PROFILE : ONE_BYTE_PROFILE);
  putU16(out, fixed + 2, words);
  let at = fixed + 4;
  const elements = new Elements(packet, header);
  while (elements.next()) {
    const id = keptId(elements, shape, twoByte);
    if (id === 0) continue;
    at = putElementHeader(out, at, id, elements.length, twoByte);
    out.set(packet.subarray(elements.at, elements.at + elements.length), at);
    at += elements.length;
  }
  if (!carriesTransportSequence(shape, twoByte)) return { packet: out, transportSequenceAt: 0 };
  at = putElementHeader(out, at, shape.transportSequenceId, 2, twoByte);
  return { packet: out, transportSequenceAt: at };
}

/** Walks the elements of one packet: `id`, `at` and `length` are those of the current one. */
class Elements {
  id = 0;
  at = 0;
  length = 0;
  #next: number;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #oneByte: boolean;

  constructor(bytes: Uint8Array, header: RtpHeader) {
    const { profile } = header;
    this.#bytes = bytes;
    this.#oneByte = profile === ONE_BYTE_PROFILE;
    const known = this.#oneByte || (profile & 0xfff0) === TWO_BYTE_PROFILE;
    this.#end = known ? header.extensionEnd : 0;
    this.#next = header.extensionAt;
  }

  /** Moves to the next element; false at the end, at ID 15, or where an element is cut off. */
  next(): boolean {
    const bytes = this.#bytes;
    while (this.#next < this.#end) {
      const byte = u8(bytes, this.#next);
      if (byte === 0) {
        this.#next++;
        continue;
      }
      const headerSize = this.#oneByte ? 1 : 2;
      this.id = this.#oneByte ? byte >> 4 : byte;
      this.at = this.#next + headerSize;
      if (this.at > this.#end) break;
      this.length = this.#oneByte ? (byte & 0x0f) + 1 : u8(bytes, this.#next + 1);
      // ID 0 with a length is an error that ends the list, like 15 (§4.2).
      const last = this.#oneByte && (this.id === 15 || this.id === 0);
      if (last || this.at + this.length > this.#end) break;
      this.#next = this.at + this.length;
      return true;
    }
    this.#next = this.#end;
    return false;
  }
}

/** The receiver's ID of the current element, 0 when it is left out. */
function keptId(elements: Elements, shape: ExtensionShape, twoByte: boolean): number {
  const id = shape.ids[elements.id] ?? 0;
  // The slot is ours: a sender's own transport-wide number means nothing to this receiver.
  if (id === shape.transportSequenceId) return 0;
  if (!twoByte && !fitsOneByte(id, elements.length)) return 0;
  return id;
}

function fitsOneByte(id: number, length: number): boolean {
  return id <= 14 && length >= 1 && length <= 16;
}

function carriesTransportSequence(shape: ExtensionShape, twoByte: boolean): boolean {
  const id = shape.transportSequenceId;
  return id !== 0 && (twoByte || id <= 14);
}

function needsTwoByte(packet: Uint8Array, header: RtpHeader, shape: ExtensionShape): boolean {
  if (shape.transportSequenceId > 14) return true;
  const elements = new Elements(packet, header);
  while (elements.next()) {
    const id = keptId(elements, shape, true);
    if (id !== 0 && !fitsOneByte(id, elements.length)) return true;
  }
  return false;
}

/** Bytes of all kept elements with their headers, without padding to a whole word. */
function measure(
  packet: Uint8Array,
  header: RtpHeader,
  shape: ExtensionShape,
  twoByte: boolean,
): number {
  const headerSize = twoByte ? 2 : 1;
  let size = carriesTransportSequence(shape, twoByte) ? headerSize + 2 : 0;
  const elements = new Elements(packet, header);
  while (elements.next()) {
    if (keptId(elements, shape, twoByte) !== 0) size += headerSize + elements.length;
  }
  return size;
}

function putElementHeader(
  out: Uint8Array,
  at: number,
  id: number,
  length: number,
  twoByte: boolean,
): number {
  if (twoByte) {
    out[at] = id;
    out[at + 1] = length;
    return at + 2;
  }
  out[at] = (id << 4) | (length - 1);
  return at + 1;
}
