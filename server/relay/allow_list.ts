/**
 * Where we may connect to on our own: only what the operator has listed, checked against the
 * address that is dialled, after names were resolved. So neither a redirect nor a name that
 * resolves to another address tomorrow (DNS rebinding) leads into the operator's network.
 *
 * @module
 */
import { AddressRanges, isAddressRange, isPrivate } from "../address_ranges.ts";
import { isAddress } from "../candidates/candidates.ts";

/** `media.example.com`, `*.example.com:443`, `192.0.2.1:8080`, `10.0.0.0/8`, `[2001:db8::/32]:443`. */
interface Entry {
  /** Lower case, or undefined for addresses. `*.` in front stands for any name below. */
  readonly name: string | undefined;
  readonly addresses: AddressRanges | undefined;
  /** Undefined allows every port. */
  readonly port: number | undefined;
}

/** Addresses that a name never leads to, besides the private ones: nobody serves media there. */
const NEVER = new AddressRanges([
  "192.0.0.0/24",
  "198.18.0.0/15",
  "224.0.0.0/3",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "2002::/16",
  "ff00::/8",
]);

export class AllowList {
  readonly #entries: readonly Entry[];

  /** Texts that are no entries are passed over: the configuration has refused them. */
  constructor(texts: readonly string[]) {
    this.#entries = texts.map(parseEntry).filter((entry) => entry !== undefined);
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** Whether the host of a URL is listed by its name, or may be by its address. */
  mayAsk(host: string, port: number): boolean {
    if (isAddress(host)) return this.allowsAddress(host, port);
    return this.#entries.some(
      (entry) =>
        fits(entry, port) && (entry.name === undefined || matches(entry.name, host.toLowerCase())),
    );
  }

  /**
   * Whether `address`, which is what `host` resolved to, may be dialled: it is listed itself, or
   * the name is and the address is a public one.
   */
  allows(host: string, address: string, port: number): boolean {
    if (this.allowsAddress(address, port)) return true;
    if (isAddress(host) || isPrivate(address) || NEVER.has(address)) return false;
    return this.#entries.some(
      ({ name, port: own }) =>
        name !== undefined &&
        (own === undefined || own === port) &&
        matches(name, host.toLowerCase()),
    );
  }

  /** Whether the address is listed as such. */
  allowsAddress(address: string, port: number): boolean {
    return this.#entries.some((entry) => fits(entry, port) && entry.addresses?.has(address));
  }
}

export function isAllowEntry(text: string): boolean {
  return parseEntry(text) !== undefined;
}

function parseEntry(text: string): Entry | undefined {
  if (isAddressRange(text)) {
    return { name: undefined, addresses: new AddressRanges([text]), port: undefined };
  }
  const [, bracketed, plain = "", digits] =
    /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  const range = bracketed ?? plain;
  if (isAddressRange(range)) {
    return { name: undefined, addresses: new AddressRanges([range]), port };
  }
  const isName = /^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/.test(plain);
  // What looks like an address and is none is a slip, not a name.
  if (bracketed !== undefined || !isName || /^[\d.]+$/.test(plain)) return undefined;
  return { name: plain.toLowerCase(), addresses: undefined, port };
}

function fits({ port: own }: Entry, port: number): boolean {
  return own === undefined || own === port;
}

function matches(name: string, host: string): boolean {
  const bare = host.endsWith(".") ? host.slice(0, -1) : host;
  return name.startsWith("*.") ? bare.endsWith(name.slice(1)) : bare === name;
}
