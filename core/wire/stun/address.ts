/**
 * XOR-MAPPED-ADDRESS (RFC 8489 §14.2), and IP addresses as text.
 *
 * ```text
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |0 0 0 0 0 0 0 0|  Family 1, 2  |   X-Port = port ^ 0x2112      |
 * |  X-Address: 32 bits ^ cookie, or 128 bits ^ (cookie || transaction id)
 * ```
 *
 * @module
 */
import { type Endpoint, type Fault, isFault, MonoportError } from "../../base/mod.ts";
import { putU16, putU32, u8, u16 } from "../../bytes/mod.ts";
import { Attr, BAD_ADDRESS, MAGIC_COOKIE, type StunAttribute } from "./attributes.ts";

const IPV4 = 1;
const IPV6 = 2;

/** @throws MonoportError `api-misuse` when `endpoint.host` is not an IP address. */
export function encodeXorMappedAddress(
  endpoint: Endpoint,
  transactionId: Uint8Array,
): StunAttribute {
  const ip = parseIp(endpoint.host);
  if (isFault(ip)) {
    throw new MonoportError("api-misuse", `not an IP address: ${endpoint.host}`);
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

/** The 4 or 16 bytes of an IP address (RFC 4291 §2.2); IPv4-mapped IPv6 becomes IPv4. */
export function parseIp(text: string): Uint8Array | Fault {
  if (!text.includes(":")) return parseIpv4(text);
  const bytes = parseIpv6(text);
  return !isFault(bytes) && isMapped(bytes) ? bytes.slice(12) : bytes;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (u8(bytes, i) !== 0) return false;
  return u16(bytes, 10) === 0xffff;
}

function parseIpv4(text: string): Uint8Array | Fault {
  const parts = text.split(".", 5);
  if (parts.length !== 4) return BAD_ADDRESS;
  const out = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return BAD_ADDRESS;
    out[i] = Number(part);
  }
  return out;
}

function parseIpv6(text: string): Uint8Array | Fault {
  if (text.length > 45) return BAD_ADDRESS;
  const halves = text.split("::");
  if (halves.length > 2) return BAD_ADDRESS;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (isFault(head) || isFault(tail)) return BAD_ADDRESS;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return BAD_ADDRESS;
  const out = new Uint8Array(16);
  for (const [i, group] of head.entries()) putU16(out, i * 2, group);
  for (const [i, group] of tail.entries()) putU16(out, (8 - tail.length + i) * 2, group);
  return out;
}

/** Groups of 16 bits; the last may be dotted IPv4 (two groups) when these are the end of the address. */
function parseGroups(text: string, atEnd: boolean): number[] | Fault {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":", 9);
  for (const [i, part] of parts.entries()) {
    if (atEnd && i === parts.length - 1 && part.includes(".")) {
      const ip = parseIpv4(part);
      if (isFault(ip)) return ip;
      groups.push(u16(ip, 0), u16(ip, 2));
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return BAD_ADDRESS;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/** Text of 4 or 16 bytes, in the form of RFC 5952. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return Array.from(bytes).join(".");
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(u16(bytes, at));
  const [from, to] = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (to - from < 2) return hex.join(":");
  return `${hex.slice(0, from).join(":")}::${hex.slice(to).join(":")}`;
}

function longestZeros(groups: readonly number[]): [from: number, to: number] {
  let best: [number, number] = [0, 0];
  let from = 0;
  for (const [i, group] of groups.entries()) {
    if (group !== 0) from = i + 1;
    else if (i + 1 - from > best[1] - best[0]) best = [from, i + 1];
  }
  return best;
}
