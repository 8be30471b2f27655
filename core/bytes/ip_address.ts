/** IP addresses as text. @module */
import { putU16, u8, u16 } from "./be.ts";

/**
 * The 4 or 16 bytes of an IP address (RFC 4291 §2.2), without brackets and zone; IPv4-mapped IPv6
 * becomes IPv4. `undefined` for anything else.
 */
export function parseIp(text: string): Uint8Array | undefined {
  if (!text.includes(":")) return parseIpv4(text);
  const bytes = parseIpv6(text);
  return bytes !== undefined && isMapped(bytes) ? bytes.slice(12) : bytes;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (u8(bytes, i) !== 0) return false;
  return u16(bytes, 10) === 0xffff;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".", 5);
  if (parts.length !== 4) return undefined;
  const out = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    out[i] = Number(part);
  }
  return out;
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const out = new Uint8Array(16);
  for (const [i, group] of head.entries()) putU16(out, i * 2, group);
  for (const [i, group] of tail.entries()) putU16(out, (8 - tail.length + i) * 2, group);
  return out;
}

/**
 * Groups of 16 bits; the last may be dotted IPv4 (two groups) when these are the end of the
 * address.
 */
function parseGroups(text: string, atEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":", 9);
  for (const [i, part] of parts.entries()) {
    if (atEnd && i === parts.length - 1 && part.includes(".")) {
      const ip = parseIpv4(part);
      if (ip === undefined) return undefined;
      groups.push(u16(ip, 0), u16(ip, 2));
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
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
