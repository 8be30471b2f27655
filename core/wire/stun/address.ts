/**
 * XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
 *
 * ```text
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |0 0 0 0 0 0 0 0|  Family 1, 2  |   X-Port = port ^ 0x2112      |
 * |  X-Address: 32 bits ^ cookie, or 128 bits ^ (cookie || transaction id)
 * ```
 *
 * @module
 */
import { type Endpoint, type Fault, MonoportError } from "../../base/mod.ts";
import { formatIp, parseIp, putU16, putU32, u8, u16 } from "../../bytes/mod.ts";
import { Attr, BAD_ADDRESS, MAGIC_COOKIE, type StunAttribute } from "./attributes.ts";

const IPV4 = 1;
const IPV6 = 2;

/** @throws MonoportError `api-misuse` when `endpoint.host` is not an IP address. */
export function encodeXorMappedAddress(
  endpoint: Endpoint,
  transactionId: Uint8Array,
): StunAttribute {
  const ip = parseIp(endpoint.host);
  if (ip === undefined) {
    throw new MonoportError("api-misuse", `Not an IP address: ${endpoint.host}`);
  }
  const value = new Uint8Array(4 + ip.length);
  value[1] = ip.length === 4 ? IPV4 : IPV6;
  putU16(value, 2, endpoint.port ^ (MAGIC_COOKIE >>> 16));
  value.set(ip, 4);
  xorAddress(value, transactionId);
  return { type: Attr.XorMappedAddress, value };
}

export function decodeXorMappedAddress(
  value: Uint8Array,
  transactionId: Uint8Array,
): Endpoint | Fault {
  if (value.length < 4) return BAD_ADDRESS;
  const family = u8(value, 1);
  const size = family === IPV4 ? 4 : family === IPV6 ? 16 : -1;
  if (value.length !== 4 + size) return BAD_ADDRESS;
  const plain = value.slice();
  xorAddress(plain, transactionId);
  return {
    host: formatIp(plain.subarray(4)),
    port: u16(value, 2) ^ (MAGIC_COOKIE >>> 16),
  };
}

function xorAddress(value: Uint8Array, transactionId: Uint8Array): void {
  const mask = new Uint8Array(16);
  putU32(mask, 0, MAGIC_COOKIE);
  mask.set(transactionId, 4);
  for (let i = 4; i < value.length; i++) value[i] = u8(value, i) ^ u8(mask, i - 4);
}
