/**
 * ```
 *  number       00, 8 bytes IEEE 754        string       02, u16 length, UTF-8
 *  boolean      01, 1 byte                  long string  0C, u32 length, UTF-8
 *  null         05                          undefined    06
 *  object       03, members, 00 00 09       a member is u16 length, UTF-8 name, value
 *  ECMA array   08, u32 count, members, 00 00 09
 *  strict array 0A, u32 count, values       date         0B, 8 bytes number, 2 bytes time zone
 * ```
 *
 * @module
 */
import { Fault, isFault } from "../../base/mod.ts";
import { u8, u16, u32, utf8 } from "../../bytes/mod.ts";
import { type Amf0Value, Marker } from "./value.ts";

/** Objects and arrays within each other. */
export const DEPTH_MAX = 16;
/** Values of one message, members of members counted. */
export const VALUES_MAX = 4096;
/** Bytes of one string. */
export const STRING_MAX_BYTES: number = 64 * 1024;

export const TRUNCATED: Fault = /* @__PURE__ */ fault("truncated", "AMF0 §2.1");
export const UNKNOWN_MARKER: Fault = /* @__PURE__ */ fault("unknown-marker", "AMF0 §2.1");
export const TOO_DEEP: Fault = /* @__PURE__ */ fault("too-deep", "AMF0 §2.5");
export const TOO_MANY_VALUES: Fault = /* @__PURE__ */ fault("too-many-values", "AMF0 §2.10");
export const STRING_TOO_LONG: Fault = /* @__PURE__ */ fault("string-too-long", "AMF0 §2.14");

/** All values of `bytes`, one after the other, as in the payload of an RTMP command. */
export function decodeAmf0(bytes: Uint8Array): Amf0Value[] | Fault {
  const decoder = new Decoder(bytes);
  const values: Amf0Value[] = [];
  while (!decoder.done) {
    const value = decoder.value(0);
    if (isFault(value)) return value;
    values.push(value);
  }
  return values;
}

class Decoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  value(depth: number): Amf0Value | Fault {
    if (depth > DEPTH_MAX) return TOO_DEEP;
    if (++this.#values > VALUES_MAX) return TOO_MANY_VALUES;
    const at = this.#take(1);
    if (at < 0) return TRUNCATED;
    switch (u8(this.#bytes, at)) {
      case Marker.Number:
        return this.#number();
      case Marker.Boolean: {
        const flag = this.#take(1);
        return flag < 0 ? TRUNCATED : u8(this.#bytes, flag) !== 0;
      }
      case Marker.String:
        return this.#string(2);
      case Marker.LongString:
      case Marker.XmlDocument:
        return this.#string(4);
      case Marker.Null:
        return null;
      case Marker.Undefined:
      case Marker.Unsupported:
        return undefined;
      case Marker.Object:
        return this.#members(depth);
      case Marker.TypedObject: {
        const name = this.#string(2);
        return isFault(name) ? name : this.#members(depth);
      }
      case Marker.EcmaArray:
        // The count is only a hint, and encoders write 0 or nonsense.
        return this.#take(4) < 0 ? TRUNCATED : this.#members(depth);
      case Marker.StrictArray:
        return this.#strictArray(depth);
      case Marker.Date: {
        const millis = this.#number();
        return this.#take(2) < 0 ? TRUNCATED : millis;
      }
      default:
        return UNKNOWN_MARKER;
    }
  }

  #number(): number | Fault {
    const at = this.#take(8);
    return at < 0 ? TRUNCATED : this.#view.getFloat64(at);
  }

  #string(lengthBytes: 2 | 4): string | Fault {
    const at = this.#take(lengthBytes);
    if (at < 0) return TRUNCATED;
    const length = lengthBytes === 2 ? u16(this.#bytes, at) : u32(this.#bytes, at);
    if (length > STRING_MAX_BYTES) return STRING_TOO_LONG;
    const from = this.#take(length);
    return from < 0 ? TRUNCATED : utf8(this.#bytes.subarray(from, from + length));
  }

  #members(depth: number): Map<string, Amf0Value> | Fault {
    const members = new Map<string, Amf0Value>();
    for (;;) {
      const name = this.#string(2);
      if (isFault(name)) return name;
      if (name === "" && this.#isNext(Marker.ObjectEnd)) {
        this.#at += 1;
        return members;
      }
      const value = this.value(depth + 1);
      if (isFault(value)) return value;
      members.set(name, value);
    }
  }

  #strictArray(depth: number): Amf0Value[] | Fault {
    const at = this.#take(4);
    if (at < 0) return TRUNCATED;
    const count = u32(this.#bytes, at);
    if (count > VALUES_MAX) return TOO_MANY_VALUES;
    const values: Amf0Value[] = [];
    for (let i = 0; i < count; i++) {
      const value = this.value(depth + 1);
      if (isFault(value)) return value;
      values.push(value);
    }
    return values;
  }

  #isNext(marker: number): boolean {
    return this.#at < this.#bytes.length && u8(this.#bytes, this.#at) === marker;
  }

  /** Index of the next `count` bytes, -1 when there are not so many. */
  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) return -1;
    this.#at += count;
    return at;
  }
}

function fault(code: string, spec: string): Fault {
  return new Fault("core/wire/amf0", code, spec);
}
