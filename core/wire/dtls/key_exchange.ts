/**
 * ECDHE key exchange (RFC 8422 §5.4, §5.7):
 *
 *   ServerKeyExchange: curve_type u8 (3, named_curve) | group u16 | public key<1..255>
 *                      | signature scheme u16 | signature<0..2^16-1>
 *   ClientKeyExchange: public key<1..255>
 *
 * @module
 */

import type { Fault } from "../../base/mod.ts";
import { concat } from "../../bytes/mod.ts";
import { type DigitallySigned, encodeDigitallySigned } from "./certificate.ts";
import { Cursor } from "./cursor.ts";
import { CLIENT_KEY_EXCHANGE_MALFORMED, SERVER_KEY_EXCHANGE_MALFORMED } from "./faults.ts";
import { u16Bytes, vector8 } from "./vector.ts";

const NAMED_CURVE = 3;

/** The server's half of the exchange. */
export interface ServerEcdhParams {
  /** A `NamedGroup`. */
  readonly group: number;
  readonly publicKey: Uint8Array;
}

export interface ServerKeyExchange extends ServerEcdhParams, DigitallySigned {
  /** The bytes that are signed behind both randoms: a view of the body. */
  readonly params: Uint8Array;
}

/** Views of `body`. */
export function decodeServerKeyExchange(body: Uint8Array): ServerKeyExchange | Fault {
  const cursor = new Cursor(body);
  const curveType = cursor.u8();
  const group = cursor.u16();
  const publicKey = cursor.vector8();
  const scheme = cursor.u16();
  const signature = cursor.bytes(cursor.u16());
  if (!cursor.done || curveType !== NAMED_CURVE || publicKey.length === 0) {
    return SERVER_KEY_EXCHANGE_MALFORMED;
  }
  return { group, publicKey, scheme, signature, params: body.subarray(0, 4 + publicKey.length) };
}

/** The signed part alone. */
export function encodeServerEcdhParams(params: ServerEcdhParams): Uint8Array {
  return concat([Uint8Array.of(NAMED_CURVE), u16Bytes(params.group), vector8(params.publicKey)]);
}

export function encodeServerKeyExchange(params: Uint8Array, signed: DigitallySigned): Uint8Array {
  return concat([params, encodeDigitallySigned(signed)]);
}

/** The client's public key, a view of `body`. */
export function decodeClientKeyExchange(body: Uint8Array): Uint8Array | Fault {
  const cursor = new Cursor(body);
  const publicKey = cursor.vector8();
  return cursor.done && publicKey.length > 0 ? publicKey : CLIENT_KEY_EXCHANGE_MALFORMED;
}

export function encodeClientKeyExchange(publicKey: Uint8Array): Uint8Array {
  return vector8(publicKey);
}
