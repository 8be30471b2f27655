/**
 * Hello extensions (RFC 5246 §7.4.1.4), and what is in those we know:
 *
 *   extensions<0..2^16-1>: { type: u16, data<0..2^16-1> } ...
 *
 * @module
 */

import { type Fault, isFault } from "../../base/mod.ts";
import { concat } from "../../bytes/mod.ts";
import { Cursor } from "./cursor.ts";
import { EXTENSION_MALFORMED, EXTENSION_REPEATED } from "./faults.ts";
import { u16Bytes, vector8, vector16 } from "./vector.ts";

/** Most extensions a hello may carry; browsers send about 15. */
export const MAX_EXTENSIONS = 64;

export interface Extension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** use_srtp (RFC 5764 §4.1.1). */
export interface UseSrtp {
  /** `SrtpProtectionProfile` numbers, the sender's preference first. */
  readonly profiles: readonly number[];
  readonly mki: Uint8Array;
}

/** The list behind its two length bytes were read. */
export function decodeExtensions(bytes: Uint8Array): readonly Extension[] | Fault {
  const cursor = new Cursor(bytes);
  const found: Extension[] = [];
  const types = new Set<number>();
  while (!cursor.done && !cursor.failed) {
    const type = cursor.u16();
    const data = cursor.vector16();
    if (cursor.failed || found.length === MAX_EXTENSIONS) return EXTENSION_MALFORMED;
    if (types.has(type)) return EXTENSION_REPEATED;
    types.add(type);
    found.push({ type, data });
  }
  return found;
}

/** With the two bytes of length in front. */
export function encodeExtensions(extensions: readonly Extension[]): Uint8Array {
  return vector16(
    concat(extensions.map(({ type, data }) => concat([u16Bytes(type), vector16(data)]))),
  );
}

export function findExtension(
  extensions: readonly Extension[],
  type: number,
): Uint8Array | undefined {
  return extensions.find((extension) => extension.type === type)?.data;
}

/** supported_groups and signature_algorithms: `u16 list<2..2^16-2>`. */
export function decodeU16List(data: Uint8Array): readonly number[] | Fault {
  const cursor = new Cursor(data);
  const list = new Cursor(cursor.vector16());
  return cursor.done ? readU16s(list) : EXTENSION_MALFORMED;
}

export function encodeU16List(values: readonly number[]): Uint8Array {
  return vector16(u16Bytes(...values));
}

/** supported_versions of a ClientHello (RFC 8446 §4.2.1): `u16 list<2..254>`. */
export function decodeSupportedVersions(data: Uint8Array): readonly number[] | Fault {
  const cursor = new Cursor(data);
  const list = new Cursor(cursor.vector8());
  return cursor.done ? readU16s(list) : EXTENSION_MALFORMED;
}

/** ec_point_formats (RFC 8422 §5.1.2): `u8 list<1..2^8-1>`. */
export function decodePointFormats(data: Uint8Array): Uint8Array | Fault {
  const cursor = new Cursor(data);
  const list = cursor.vector8();
  return cursor.done && list.length > 0 ? list : EXTENSION_MALFORMED;
}

export function encodePointFormats(formats: Uint8Array): Uint8Array {
  return vector8(formats);
}

/** renegotiation_info (RFC 5746 §3.2): `opaque<0..255>`. */
export function decodeRenegotiationInfo(data: Uint8Array): Uint8Array | Fault {
  const cursor = new Cursor(data);
  const verifyData = cursor.vector8();
  return cursor.done ? verifyData : EXTENSION_MALFORMED;
}

export function encodeRenegotiationInfo(verifyData: Uint8Array): Uint8Array {
  return vector8(verifyData);
}

export function decodeUseSrtp(data: Uint8Array): UseSrtp | Fault {
  const cursor = new Cursor(data);
  const profiles = readU16s(new Cursor(cursor.vector16()));
  const mki = cursor.vector8();
  if (isFault(profiles) || !cursor.done) return EXTENSION_MALFORMED;
  return { profiles, mki };
}

export function encodeUseSrtp(use: UseSrtp): Uint8Array {
  return concat([vector16(u16Bytes(...use.profiles)), vector8(use.mki)]);
}

/** At least one 16-bit number up to the end. */
function readU16s(cursor: Cursor): readonly number[] | Fault {
  const values: number[] = [];
  do values.push(cursor.u16());
  while (!cursor.done && !cursor.failed);
  return cursor.failed ? EXTENSION_MALFORMED : values;
}
