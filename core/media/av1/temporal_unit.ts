/**
 * OBUs as files and FLV have them, each with its size (AV1 bitstream §5.3, AV1 in ISO-BMFF §2.4).
 *
 * @module
 */
import { Fault } from "../../base/mod.ts";
import { u8 } from "../../bytes/mod.ts";
import { leb128, leb128Length } from "./payload.ts";

export const BAD_OBU: Fault = /* @__PURE__ */ new Fault(
  "core/media/av1",
  "bad-obu-size",
  "AV1 bitstream §5.3",
);

/** OBUs of one temporal unit; encoders have a handful for each layer. */
export const OBUS_MAX = 256;

const SEQUENCE_HEADER = 1;
const TEMPORAL_DELIMITER = 2;
const TILE_LIST = 8;
const PADDING = 15;

/** The OBUs of a temporal unit, as views with their sizes; delimiters, tile lists and padding are left out. */
export function splitTemporalUnit(bytes: Uint8Array): Uint8Array[] | Fault {
  const obus: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const sizeAt = at + headerBytes(u8(bytes, at));
    // Only the last one may be without a size.
    let end = bytes.length;
    if (hasSize(u8(bytes, at))) {
      const size = leb128(bytes, sizeAt, bytes.length);
      if (size < 0) return BAD_OBU;
      end = sizeAt + leb128Length(bytes, sizeAt, bytes.length) + size;
    }
    if (end > bytes.length || sizeAt > end) return BAD_OBU;
    const kind = obuType(u8(bytes, at));
    const kept = kind !== TEMPORAL_DELIMITER && kind !== TILE_LIST && kind !== PADDING;
    if (kept && obus.length < OBUS_MAX) obus.push(bytes.subarray(at, end));
    at = end;
  }
  return obus;
}

export function isSequenceHeader(obu: Uint8Array): boolean {
  return obu.length > 0 && obuType(u8(obu, 0)) === SEQUENCE_HEADER;
}

/** The OBUs of av1C (AV1 in ISO-BMFF §2.3.3), behind its four bytes; none when it is not one. */
export function obusOfConfiguration(record: Uint8Array): Uint8Array[] {
  if (record.length < 4 || u8(record, 0) !== 0x81) return [];
  const obus = splitTemporalUnit(record.subarray(4));
  return obus instanceof Fault ? [] : obus;
}

/** The OBU with obu_has_size_field set; `undefined` when it is cut off. */
export function withSize(obu: Uint8Array): Uint8Array | undefined {
  const header = u8(obu, 0);
  const head = headerBytes(header);
  if (obu.length < head) return undefined;
  if (hasSize(header)) return obu;
  const length = encodeLeb128(obu.length - head);
  const out = new Uint8Array(obu.length + length.length);
  out.set(obu.subarray(0, head));
  out[0] = header | 0x02;
  out.set(length, head);
  out.set(obu.subarray(head), head + length.length);
  return out;
}

export function encodeLeb128(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; ) {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low | 0x80 : low);
    if (left === 0) return bytes;
  }
}

export function obuType(header: number): number {
  return (header >> 3) & 0x0f;
}

/** Of the header with its extension. */
export function headerBytes(header: number): 1 | 2 {
  return (header & 0x04) === 0 ? 1 : 2;
}

export function hasSize(header: number): boolean {
  return (header & 0x02) !== 0;
}
