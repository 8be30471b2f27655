/** The two keys of the opening handshake (RFC 6455 §4.2). @module */
import type { CryptoProvider } from "../../base/mod.ts";
import { latin1Bytes, u8 } from "../../bytes/mod.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Whether `key` can be a Sec-WebSocket-Key: 16 bytes in Base64. */
export function isWebSocketKey(key: string): boolean {
  return /^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key);
}

/** Sec-WebSocket-Accept for a Sec-WebSocket-Key. */
export function acceptKey(key: string, crypto: Pick<CryptoProvider, "hash">): string {
  return base64(crypto.hash("sha1", latin1Bytes(key + GUID)));
}

/** RFC 4648 §4. */
function base64(bytes: Uint8Array): string {
  let out = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const there = Math.min(3, bytes.length - at);
    let group = u8(bytes, at) << 16;
    if (there > 1) group |= u8(bytes, at + 1) << 8;
    if (there > 2) group |= u8(bytes, at + 2);
    for (let i = 0; i < 4; i++) {
      out += i <= there ? ALPHABET.charAt((group >>> (18 - 6 * i)) & 0x3f) : "=";
    }
  }
  return out;
}
