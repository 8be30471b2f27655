import { concat } from "../../bytes/mod.ts";
import { encodeChunk } from "../../wire/http1/mod.ts";
import { encodeFrame } from "../../wire/websocket/mod.ts";
import type { TsPackets } from "./cast.ts";

/** Opcode of a binary frame (RFC 6455 §5.2). */
const BINARY = 2;

/** As in a file. */
export function plainPackets(made: readonly TsPackets[]): Uint8Array {
  const [first] = made;
  return first !== undefined && made.length === 1
    ? first.bytes
    : concat(made.map(({ bytes }) => bytes));
}

/** The same as one chunk (RFC 9112 §7.1). */
export function chunkedPackets(made: readonly TsPackets[]): Uint8Array {
  return encodeChunk(plainPackets(made));
}

/** The same as one binary message. */
export function webSocketPackets(made: readonly TsPackets[]): Uint8Array {
  return encodeFrame(BINARY, plainPackets(made));
}
