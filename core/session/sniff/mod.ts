/**
 * Which protocol a fresh TCP connection speaks, told from its first bytes.
 *
 * `sniff` is asked again with all bytes so far whenever some arrive. It keeps no state, so any
 * split of the bytes gives the same answer, and an answer other than `"more"` never changes when
 * bytes are added.
 *
 * ```
 *  first bytes                                     verdict    standard
 *  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A             proxy-v2   PROXY protocol §2.2
 *  "PROXY "                                        proxy-v1   PROXY protocol §2.1
 *  "PRI * HTTP/2.0" CR LF                          http2      RFC 9113 §3.4 (not served: refuse and close)
 *  [CR LF] 1..20 token characters, SP              http       RFC 9112 §3 and §2.2 (one empty line before it)
 *  16 03 00..04                                    tls        RFC 8446 §5.1, a handshake record
 *  0..4 x (00 00), length 20..2047, STUN header    stun-tcp   RFC 4571 §2, RFC 8489 §5
 *  03, and not the line above                      rtmp       RTMP 1.0 §5.2.2, C0
 *  anything else                                   unknown
 *
 *  0               1               2               3
 *  +-------------------------------+-------------------------------+
 *  |        RFC 4571 length        |0 0|     STUN message type     |
 *  +-------------------------------+-------------------------------+
 *  |    STUN length, 4 divides it  |   21 12 A4 42 magic cookie    |
 * ```
 *
 * A frame of 768 to 1023 bytes begins with 03 like RTMP: the bytes up to the cookie tell. In an
 * RTMP C1 they are a time and a version; no known client puts the cookie there. Frames above
 * 2047 bytes cannot come first: an ICE check is far smaller, and their high length byte would
 * meet that of TLS and of letters.
 *
 * @module
 */
import { u8, u16 } from "../../bytes/mod.ts";
import { isToken } from "../../wire/http1/mod.ts";
import { PROXY_V1_SIGNATURE, PROXY_V2_SIGNATURE } from "../../wire/proxy_protocol/mod.ts";

export type Sniffed =
  | "http"
  | "http2"
  | "tls"
  | "stun-tcp"
  | "rtmp"
  | "proxy-v1"
  | "proxy-v2"
  | "more"
  | "unknown";

/** With this many bytes `sniff` never says `"more"`. */
export const SNIFF_MAX_BYTES = 23;
/** The longest registered method, UPDATEREDIRECTREF, has 17 characters. */
export const METHOD_MAX_BYTES = 20;
/** Zero-length RFC 4571 frames passed over in front of the first STUN message. */
export const NULL_FRAMES_MAX = 4;
/** Longest first RFC 4571 frame. */
export const FIRST_FRAME_MAX_BYTES = 2047;

const STUN_HEADER_BYTES = 20;
const HTTP2_PREFACE = Uint8Array.from("PRI * HTTP/2.0\r\n", (c) => c.charCodeAt(0));
const MAGIC_COOKIE = Uint8Array.of(0x21, 0x12, 0xa4, 0x42);

/** The protocol of a connection that has brought `bytes` so far, or `"more"` to be asked again. */
export function sniff(bytes: Uint8Array): Sniffed {
  if (bytes.length === 0) return "more";
  const first = u8(bytes, 0);
  if (first === 0x16) return sniffTls(bytes);
  if (first === 0x0d) return sniffEmptyLine(bytes);
  if (first <= FIRST_FRAME_MAX_BYTES >>> 8) {
    const framed = sniffStun(bytes);
    return framed === "unknown" && first === 0x03 ? "rtmp" : framed;
  }
  return sniffMethod(bytes, 0);
}

function sniffTls(bytes: Uint8Array): Sniffed {
  if (bytes.length >= 2 && u8(bytes, 1) !== 0x03) return "unknown";
  if (bytes.length < 3) return "more";
  return u8(bytes, 2) <= 0x04 ? "tls" : "unknown";
}

/** CR first: the PROXY v2 signature, or an empty line in front of a request. */
function sniffEmptyLine(bytes: Uint8Array): Sniffed {
  const proxy = startsWith(bytes, PROXY_V2_SIGNATURE, 0);
  if (proxy !== "no") return proxy === "yes" ? "proxy-v2" : "more";
  return u8(bytes, 1) === 0x0a && u8(bytes, 2) !== 0x0d ? sniffMethod(bytes, 2) : "unknown";
}

function sniffStun(bytes: Uint8Array): Sniffed {
  let at = 0;
  while (at < 2 * NULL_FRAMES_MAX && bytes.length >= at + 2 && u16(bytes, at) === 0) at += 2;
  if (bytes.length > at && u8(bytes, at) > FIRST_FRAME_MAX_BYTES >>> 8) return "unknown";
  if (bytes.length < at + 2) return "more";
  if (u16(bytes, at) < STUN_HEADER_BYTES) return "unknown";
  if (bytes.length > at + 2 && u8(bytes, at + 2) > 0x3f) return "unknown";
  if (bytes.length > at + 5 && (u8(bytes, at + 5) & 3) !== 0) return "unknown";
  const cookie = startsWith(bytes, MAGIC_COOKIE, at + 6);
  return cookie === "yes" ? "stun-tcp" : cookie === "no" ? "unknown" : "more";
}

function sniffMethod(bytes: Uint8Array, from: number): Sniffed {
  if (from === 0) {
    if (startsWith(bytes, PROXY_V1_SIGNATURE, 0) === "yes") return "proxy-v1";
    const preface = startsWith(bytes, HTTP2_PREFACE, 0);
    if (preface === "yes") return "http2";
    if (preface === "maybe") return "more";
  }
  const to = Math.min(bytes.length, from + METHOD_MAX_BYTES + 1);
  for (let at = from; at < to; at++) {
    const byte = u8(bytes, at);
    if (byte === 0x20) return at > from ? "http" : "unknown";
    if (!isToken(byte)) return "unknown";
  }
  return to === from + METHOD_MAX_BYTES + 1 ? "unknown" : "more";
}

/** Whether `bytes[from..]` begins with `wanted`: `maybe` while what is there agrees. */
function startsWith(bytes: Uint8Array, wanted: Uint8Array, from: number): "yes" | "no" | "maybe" {
  const there = Math.min(bytes.length - from, wanted.length);
  for (let i = 0; i < there; i++) {
    if (u8(bytes, from + i) !== u8(wanted, i)) return "no";
  }
  return there === wanted.length ? "yes" : "maybe";
}
