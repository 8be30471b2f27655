import { concat, putU16, putU32, utf8Bytes } from "../../bytes/mod.ts";
import { type Amf0Value, isAmf0Object, Marker } from "./value.ts";

/** Bytes of the values, one after the other. Maps become objects, arrays strict arrays. */
export function encodeAmf0(...values: readonly Amf0Value[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const value of values) put(parts, value);
  return concat(parts);
}

/** The same members as an ECMA array, the form of `onMetaData` (FLV 10.1 §E.5). */
export function encodeEcmaArray(members: ReadonlyMap<string, Amf0Value>): Uint8Array {
  const head = new Uint8Array(5);
  head[0] = Marker.EcmaArray;
  putU32(head, 1, members.size);
  const parts = [head];
  putMembers(parts, members);
  return concat(parts);
}

function put(parts: Uint8Array[], value: Amf0Value): void {
  if (value === undefined) parts.push(Uint8Array.of(Marker.Undefined));
  else if (value === null) parts.push(Uint8Array.of(Marker.Null));
  else if (typeof value === "boolean") parts.push(Uint8Array.of(Marker.Boolean, value ? 1 : 0));
  else if (typeof value === "number") putNumber(parts, value);
  else if (typeof value === "string") putString(parts, value);
  else if (isAmf0Object(value)) {
    parts.push(Uint8Array.of(Marker.Object));
    putMembers(parts, value);
  } else {
    const head = new Uint8Array(5);
    head[0] = Marker.StrictArray;
    putU32(head, 1, value.length);
    parts.push(head);
    for (const one of value) put(parts, one);
  }
}

function putNumber(parts: Uint8Array[], value: number): void {
  const bytes = new Uint8Array(9);
  bytes[0] = Marker.Number;
  new DataView(bytes.buffer).setFloat64(1, value);
  parts.push(bytes);
}

function putString(parts: Uint8Array[], text: string): void {
  const bytes = utf8Bytes(text);
  const long = bytes.length > 0xffff;
  const head = new Uint8Array(long ? 5 : 3);
  head[0] = long ? Marker.LongString : Marker.String;
  if (long) putU32(head, 1, bytes.length);
  else putU16(head, 1, bytes.length);
  parts.push(head, bytes);
}

function putMembers(parts: Uint8Array[], members: ReadonlyMap<string, Amf0Value>): void {
  for (const [name, value] of members) {
    const bytes = utf8Bytes(name);
    const head = new Uint8Array(2);
    putU16(head, 0, bytes.length);
    parts.push(head, bytes);
    put(parts, value);
  }
  parts.push(Uint8Array.of(0, 0, Marker.ObjectEnd));
}
