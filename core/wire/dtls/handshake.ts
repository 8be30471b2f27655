/**
 * The header of a handshake message or of a fragment of one (RFC 6347 §4.2.2):
 *
 *      0        1 .. 3     4 .. 5        6 .. 8            9 .. 11         12
 *   +------+-----------+-------------+-----------------+-----------------+---- ... ----+
 *   | type |  length   | message_seq | fragment_offset | fragment_length |    body     |
 *   +------+-----------+-------------+-----------------+-----------------+---- ... ----+
 *
 * @module
 */

import type { Fault } from "../../base/mod.ts";
import { putU16, putU24, u8, u16, u24 } from "../../bytes/mod.ts";
import { FRAGMENT_OUTSIDE, FRAGMENT_TRUNCATED } from "./faults.ts";

export const HANDSHAKE_HEADER_BYTES = 12;

/** A whole handshake message. */
export interface HandshakeMessage {
  readonly type: number;
  readonly messageSeq: number;
  readonly body: Uint8Array;
}

/** Part of a handshake message, or all of it. */
export interface HandshakeFragment {
  readonly type: number;
  /** Bytes of the whole message's body. */
  readonly length: number;
  readonly messageSeq: number;
  readonly offset: number;
  /** A view of the input. */
  readonly body: Uint8Array;
}

/** The fragment that starts at `at` in a record; the next one follows its body. */
export function decodeHandshakeFragment(bytes: Uint8Array, at = 0): HandshakeFragment | Fault {
  const from = at + HANDSHAKE_HEADER_BYTES;
  if (from > bytes.length) return FRAGMENT_TRUNCATED;
  const length = u24(bytes, at + 1);
  const offset = u24(bytes, at + 6);
  const size = u24(bytes, at + 9);
  if (from + size > bytes.length) return FRAGMENT_TRUNCATED;
  if (offset + size > length) return FRAGMENT_OUTSIDE;
  return {
    type: u8(bytes, at),
    length,
    messageSeq: u16(bytes, at + 4),
    offset,
    body: bytes.subarray(from, from + size),
  };
}

/** A fresh array holding `size` bytes of the message from `offset` on, behind a header. */
export function encodeHandshakeFragment(
  message: HandshakeMessage,
  offset: number,
  size: number,
): Uint8Array {
  const out = new Uint8Array(HANDSHAKE_HEADER_BYTES + size);
  out[0] = message.type;
  putU24(out, 1, message.body.length);
  putU16(out, 4, message.messageSeq);
  putU24(out, 6, offset);
  putU24(out, 9, size);
  out.set(message.body.subarray(offset, offset + size), HANDSHAKE_HEADER_BYTES);
  return out;
}

/** The whole message as one fragment: also the form that is hashed (RFC 6347 §4.2.6). */
export function encodeHandshakeMessage(message: HandshakeMessage): Uint8Array {
  return encodeHandshakeFragment(message, 0, message.body.length);
}
