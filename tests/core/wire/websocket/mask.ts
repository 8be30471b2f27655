import { concat, u8 } from "../../../../core/bytes/mod.ts";

/** A server's frame as a client would send it: masked with `key` (RFC 6455 §5.3). */
export function mask(frame: Uint8Array, key: Uint8Array): Uint8Array {
  const short = u8(frame, 1);
  const at = short === 127 ? 10 : short === 126 ? 4 : 2;
  const header = frame.slice(0, at);
  header[1] = short | 0x80;
  return concat([header, key, frame.subarray(at).map((byte, i) => byte ^ u8(key, i & 3))]);
}
