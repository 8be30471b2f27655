import { concat } from "../../bytes/mod.ts";
import { encodeChunk } from "../../wire/http1/mod.ts";
import { encodeFrame } from "../../wire/websocket/mod.ts";

/** What is bytes already. */
export interface MadeBytes {
  readonly bytes: Uint8Array;
}

/** Opcode of a binary frame (RFC 6455 §5.2). */
const BINARY = 2;

/** As in a file. */
export function plainBytes(made: readonly MadeBytes[]): Uint8Array {
  const [first] = made;
  if (first !== undefined && made.length === 1) return first.bytes;
  return concat(made.map(({ bytes }) => bytes));
}

/** The same as one chunk (RFC 9112 §7.1). */
export function chunkedBytes(made: readonly MadeBytes[]): Uint8Array {
  return encodeChunk(plainBytes(made));
}

/** The same as one binary message. */
export function webSocketBytes(made: readonly MadeBytes[]): Uint8Array {
  return encodeFrame(BINARY, plainBytes(made));
}
