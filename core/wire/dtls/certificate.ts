/**
 * Certificates and proofs (RFC 5246 §7.4.2, §7.4.4, §7.4.8):
 *
 *   Certificate: certificate_list<0..2^24-1>: { DER<1..2^24-1> } ...
 *   CertificateRequest: certificate_types<1..255> | signature_algorithms<2..2^16-2> (u16 each)
 *                       | certificate_authorities<0..2^16-1>
 *   CertificateVerify: signature scheme u16 | signature<0..2^16-1>
 *
 * @module
 */

import type { Fault } from "../../base/mod.ts";
import { concat } from "../../bytes/mod.ts";
import { Cursor } from "./cursor.ts";
import {
  CERTIFICATE_MALFORMED,
  CERTIFICATE_REQUEST_MALFORMED,
  CERTIFICATE_VERIFY_MALFORMED,
} from "./faults.ts";
import { u16Bytes, vector8, vector16, vector24 } from "./vector.ts";

/** Longest chain that is decoded. */
export const MAX_CERTIFICATES = 16;

export interface CertificateRequest {
  /** `ClientCertificateType` numbers. */
  readonly types: Uint8Array;
  /** `SignatureScheme` numbers. */
  readonly schemes: readonly number[];
}

/** A signature and how it was made. */
export interface DigitallySigned {
  /** A `SignatureScheme`. */
  readonly scheme: number;
  readonly signature: Uint8Array;
}

/** The chain, the sender's own certificate first; empty when it has none. Views of `body`. */
export function decodeCertificate(body: Uint8Array): readonly Uint8Array[] | Fault {
  const cursor = new Cursor(body);
  const list = new Cursor(cursor.vector24());
  if (!cursor.done) return CERTIFICATE_MALFORMED;
  const chain: Uint8Array[] = [];
  while (!list.done) {
    const der = list.vector24();
    if (list.failed || der.length === 0 || chain.length === MAX_CERTIFICATES) {
      return CERTIFICATE_MALFORMED;
    }
    chain.push(der);
  }
  return chain;
}

export function encodeCertificate(chain: readonly Uint8Array[]): Uint8Array {
  return vector24(concat(chain.map(vector24)));
}

/** Names of authorities are passed over: who signed a certificate means nothing in WebRTC. */
export function decodeCertificateRequest(body: Uint8Array): CertificateRequest | Fault {
  const cursor = new Cursor(body);
  const types = cursor.vector8();
  const list = new Cursor(cursor.vector16());
  cursor.vector16();
  const schemes: number[] = [];
  while (!list.done && !list.failed) schemes.push(list.u16());
  if (!cursor.done || list.failed || types.length === 0 || schemes.length === 0) {
    return CERTIFICATE_REQUEST_MALFORMED;
  }
  return { types, schemes };
}

export function encodeCertificateRequest(request: CertificateRequest): Uint8Array {
  return concat([
    vector8(request.types),
    vector16(u16Bytes(...request.schemes)),
    vector16(new Uint8Array(0)),
  ]);
}

/** A view of `body`. */
export function decodeCertificateVerify(body: Uint8Array): DigitallySigned | Fault {
  const cursor = new Cursor(body);
  const scheme = cursor.u16();
  const signature = cursor.vector16();
  return cursor.done ? { scheme, signature } : CERTIFICATE_VERIFY_MALFORMED;
}

export function encodeDigitallySigned(signed: DigitallySigned): Uint8Array {
  return concat([u16Bytes(signed.scheme), vector16(signed.signature)]);
}
