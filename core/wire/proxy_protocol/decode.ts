/**
 * The header that a proxy puts in front of a connection to tell who the client is
 * (haproxy.org/download/2.9/doc/proxy-protocol.txt).
 *
 * ```
 *  v1   "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443" CR LF     at most 107 bytes, §2.1
 *
 *  v2   0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A                     §2.2
 *       version (4 bits, 2) | command (4 bits) | family (4 bits) | protocol (4 bits)
 *       length (2)
 *       addresses: 4 + 4 + 2 + 2 bytes for IPv4, 16 + 16 + 2 + 2 for IPv6
 *       TLVs, passed over
 * ```
 *
 * @module
 */
import { type Endpoint, Fault } from "../../base/mod.ts";
import { formatIp, latin1, parseIp, u8, u16 } from "../../bytes/mod.ts";
import { PROXY_V1_SIGNATURE, PROXY_V2_SIGNATURE } from "./signature.ts";

/** Bytes of a version 1 header, CR LF included. */
export const PROXY_V1_MAX_BYTES = 107;
/** Bytes of a version 2 header that we read: addresses, and TLVs as certificates may fill. */
export const PROXY_V2_MAX_BYTES = 4096;

const LAYER = "core/wire/proxy_protocol";
export const BAD_SIGNATURE: Fault = new Fault(LAYER, "bad-signature", "proxy-protocol §2");
export const BAD_LINE: Fault = new Fault(LAYER, "bad-line", "proxy-protocol §2.1");
export const BAD_HEADER: Fault = new Fault(LAYER, "bad-header", "proxy-protocol §2.2");
export const BAD_ADDRESSES: Fault = new Fault(LAYER, "bad-addresses", "proxy-protocol §2.2");
export const HEADER_TOO_LARGE: Fault = new Fault(LAYER, "header-too-large", "proxy-protocol §2.2");

export interface ProxyHeader {
  /** Bytes of the header: the client's begin behind it. */
  readonly size: number;
  /** Absent when the proxy speaks for itself (LOCAL, a health check) or does not know (UNKNOWN). */
  readonly addresses?: { readonly source: Endpoint; readonly destination: Endpoint };
}

/** Decodes the header that `bytes` begins with; `undefined` while it is not all there. */
export function decodeProxyHeader(bytes: Uint8Array): ProxyHeader | Fault | undefined {
  if (bytes.length === 0) return undefined;
  const signature =
    u8(bytes, 0) === u8(PROXY_V1_SIGNATURE, 0) ? PROXY_V1_SIGNATURE : PROXY_V2_SIGNATURE;
  for (let i = 0; i < Math.min(bytes.length, signature.length); i++) {
    if (u8(bytes, i) !== u8(signature, i)) return BAD_SIGNATURE;
  }
  if (bytes.length < signature.length) return undefined;
  return signature === PROXY_V1_SIGNATURE ? decodeLine(bytes) : decodeBinary(bytes);
}

function decodeLine(bytes: Uint8Array): ProxyHeader | Fault | undefined {
  const lf = bytes.indexOf(0x0a);
  if (lf < 0 || lf >= PROXY_V1_MAX_BYTES) {
    return bytes.length < PROXY_V1_MAX_BYTES ? undefined : BAD_LINE;
  }
  if (u8(bytes, lf - 1) !== 0x0d) return BAD_LINE;
  const line = latin1(bytes, PROXY_V1_SIGNATURE.length, lf - 1);
  const size = lf + 1;
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) return { size };
  const words = line.split(" ");
  const [family, from = "", to = "", fromPort = "", toPort = ""] = words;
  if (words.length !== 5 || (family !== "TCP4" && family !== "TCP6")) return BAD_LINE;
  if (from.includes(":") !== (family === "TCP6") || to.includes(":") !== (family === "TCP6")) {
    return BAD_LINE;
  }
  const source = decodeEndpoint(from, fromPort);
  const destination = decodeEndpoint(to, toPort);
  return source && destination ? { size, addresses: { source, destination } } : BAD_LINE;
}

function decodeEndpoint(address: string, port: string): Endpoint | undefined {
  const ip = parseIp(address);
  if (ip === undefined || !/^(?:0|[1-9][0-9]{0,4})$/.test(port) || Number(port) > 65535) {
    return undefined;
  }
  return { host: formatIp(ip), port: Number(port) };
}

function decodeBinary(bytes: Uint8Array): ProxyHeader | Fault | undefined {
  if (bytes.length > 12 && u8(bytes, 12) >>> 4 !== 2) return BAD_HEADER;
  if (bytes.length > 12 && (u8(bytes, 12) & 0x0f) > 1) return BAD_HEADER;
  if (bytes.length < 16) return undefined;
  const length = u16(bytes, 14);
  const size = 16 + length;
  if (size > PROXY_V2_MAX_BYTES) return HEADER_TOO_LARGE;
  if (bytes.length < size) return undefined;
  const family = u8(bytes, 13);
  // LOCAL, unspecified and UNIX: the connection's own addresses count.
  if ((u8(bytes, 12) & 0x0f) === 0 || (family !== 0x11 && family !== 0x21)) return { size };
  const ipBytes = family === 0x11 ? 4 : 16;
  if (length < 2 * ipBytes + 4) return BAD_ADDRESSES;
  const portsAt = 16 + 2 * ipBytes;
  return {
    size,
    addresses: {
      source: { host: hostOf(bytes, 16, ipBytes), port: u16(bytes, portsAt) },
      destination: { host: hostOf(bytes, 16 + ipBytes, ipBytes), port: u16(bytes, portsAt + 2) },
    },
  };
}

/** IPv4-mapped IPv6 as plain IPv4, as `Endpoint` has it. */
function hostOf(bytes: Uint8Array, at: number, size: number): string {
  const text = formatIp(bytes.subarray(at, at + size));
  const plain = parseIp(text);
  return plain === undefined ? text : formatIp(plain);
}
