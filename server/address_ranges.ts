/** Sets of IP addresses as an operator writes them: addresses and CIDR ranges. @module */
import { parseIp, u8 } from "../core/bytes/mod.ts";

/** Who is listed. */
export interface AddressSet {
  has(address: string): boolean;
}

interface Range {
  /** 4 or 16 bytes. */
  readonly network: Uint8Array;
  /** Leading bits that count. */
  readonly bits: number;
}

/** `192.0.2.1`, `10.0.0.0/8`, `fd00::/8` (RFC 4632 §3.1, RFC 4291 §2.3); empty lists nobody. */
export class AddressRanges implements AddressSet {
  readonly #ranges: readonly Range[];

  /** Texts that are no ranges are passed over: the configuration has refused them. */
  constructor(texts: readonly string[]) {
    this.#ranges = texts.map(parseRange).filter((range) => range !== undefined);
  }

  has(address: string): boolean {
    if (this.#ranges.length === 0) return false;
    const bytes = parseIp(address);
    return bytes !== undefined && this.#ranges.some((range) => contains(range, bytes));
  }
}

export function isAddressRange(text: string): boolean {
  return parseRange(text) !== undefined;
}

/** Private, link-local, loopback or shared (RFC 1918, 3927, 4193, 6598): nobody routes to them from afar. */
export function isPrivate(address: string): boolean {
  return PRIVATE.has(address);
}

function parseRange(text: string): Range | undefined {
  const [, address = "", digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const network = parseIp(address);
  if (network === undefined) return undefined;
  const most = network.length * 8;
  if (digits === undefined) return { network, bits: most };
  // An IPv4-mapped address has become IPv4, and so do its bits.
  const bits = Number(digits) - (address.includes(":") ? 128 - most : 0);
  return bits >= 0 && bits <= most ? { network, bits } : undefined;
}

function contains({ network, bits }: Range, address: Uint8Array): boolean {
  if (address.length !== network.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (u8(address, i) !== u8(network, i)) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  return (u8(address, whole) ^ u8(network, whole)) >> (8 - rest) === 0;
}

const PRIVATE = new AddressRanges([
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "0.0.0.0/8",
  "fc00::/7",
  "fe80::/10",
  "::/127",
]);
