/**
 * The DTLS record (RFC 6347 §4.1):
 *
 *      0      1      2      3      4      5 ...   10     11     12     13
 *   +------+-------------+-------------+----- ... -----+-------------+---- ... ----+
 *   | type |   version   |    epoch    |sequence_number|   length    |  fragment   |
 *   +------+-------------+-------------+----- ... -----+-------------+---- ... ----+
 *
 * @module
 */

import type { Fault } from "../../base/mod.ts";
import { putU16, putU48, u8, u16, u48 } from "../../bytes/mod.ts";
import { RECORD_TOO_LONG, RECORD_TRUNCATED } from "./faults.ts";

/** Bytes in front of a record's fragment. */
export const RECORD_HEADER_BYTES = 13;
/** Largest fragment: 2^14 of plaintext and 2048 of expansion (RFC 5246 §6.2.3). */
export const MAX_RECORD_FRAGMENT_BYTES: number = 16384 + 2048;
/** The last sequence number of an epoch. */
export const MAX_RECORD_SEQUENCE: number = 2 ** 48 - 1;

export interface DtlsRecord {
  /** A `ContentType`, or a number we do not know. */
  readonly type: number;
  readonly version: number;
  readonly epoch: number;
  /** 48 bits. */
  readonly sequence: number;
  /** A view of the input. */
  readonly fragment: Uint8Array;
}

/** The record that starts at `at` in a datagram. */
export function decodeRecord(datagram: Uint8Array, at = 0): DtlsRecord | Fault {
  const from = at + RECORD_HEADER_BYTES;
  if (from > datagram.length) return RECORD_TRUNCATED;
  const length = u16(datagram, at + 11);
  if (length > MAX_RECORD_FRAGMENT_BYTES) return RECORD_TOO_LONG;
  if (from + length > datagram.length) return RECORD_TRUNCATED;
  return {
    type: u8(datagram, at),
    version: u16(datagram, at + 1),
    epoch: u16(datagram, at + 3),
    sequence: u48(datagram, at + 5),
    fragment: datagram.subarray(from, from + length),
  };
}

/** A fresh array: header and fragment. */
export function encodeRecord(record: DtlsRecord): Uint8Array {
  const out = new Uint8Array(RECORD_HEADER_BYTES + record.fragment.length);
  out[0] = record.type;
  putU16(out, 1, record.version);
  putU16(out, 3, record.epoch);
  putU48(out, 5, record.sequence);
  putU16(out, 11, record.fragment.length);
  out.set(record.fragment, RECORD_HEADER_BYTES);
  return out;
}
