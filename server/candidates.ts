/**
 * Which addresses a browser is told to connect to.
 *
 * The first source that gives any wins: the `eip` or `candidate` query, the setting, the request's
 * Host when it is an address or localhost, the interfaces. For localhost the interfaces' addresses
 * come behind 127.0.0.1, because Firefox gathers no loopback address and could not pair with it.
 *
 * @module
 */
import type { InterfaceAddress } from "../core/base/mod.ts";
import { parseIp } from "../core/bytes/mod.ts";

/** An address as it stands in `a=candidate`. */
export interface CandidateAddress {
  readonly host: string;
  readonly port: number;
}

export interface CandidateSources {
  /** Values of the `eip` and `candidate` queries. */
  readonly query: readonly string[];
  /** The setting `rtc_server.candidate`. */
  readonly configured: readonly string[];
  /** The request's Host, as sent; undefined when it is not to be used. */
  readonly requestHost: string | undefined;
  readonly interfaces: readonly InterfaceAddress[];
  readonly family: "ipv4" | "ipv6" | "all";
  /** The port listened on; an `ip:port` entry has its own. */
  readonly port: number;
}

/** Most candidates in an answer: each costs the browser a connection attempt. */
const CANDIDATES_MAX = 8;

export function candidateAddresses(sources: CandidateSources): readonly CandidateAddress[] {
  const { port } = sources;
  const asked = parseAll(sources.query, port);
  if (asked.length > 0) return asked;
  const configured = parseAll(
    sources.configured.filter((one) => one !== "*" && one !== "0.0.0.0" && one !== "::"),
    port,
  );
  if (configured.length > 0) return configured;
  const host = sources.requestHost === undefined ? undefined : hostOnly(sources.requestHost);
  if (host !== undefined && isAddress(host) && !isLoopback(host)) return [{ host, port }];
  const found = sources.interfaces
    .filter((one) => !one.internal && (sources.family === "all" || one.family === sources.family))
    .filter((one) => !one.address.toLowerCase().startsWith("fe80:"))
    .map((one) => ({ host: one.address, port }));
  if (host !== undefined && (host === "localhost" || isLoopback(host))) {
    return unique([{ host: host === "localhost" ? "127.0.0.1" : host, port }, ...found]);
  }
  return unique(found.length > 0 ? found : [{ host: "127.0.0.1", port }]);
}

/** `ip`, `ip:port`, `[ip6]:port`, `name`, `name:port`; `undefined` for anything else. */
export function parseCandidate(text: string, port: number): CandidateAddress | undefined {
  if (text.includes(":") && !text.includes(".") && isAddress(text)) return { host: text, port };
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]{1,253}))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || (bracketed !== undefined && !isAddress(bracketed))) return undefined;
  if (/^[\d.]+$/.test(host) && !isAddress(host)) return undefined;
  const own = digits === undefined ? port : Number(digits);
  return own >= 1 && own <= 65_535 ? { host, port: own } : undefined;
}

/** The host of a Host header, without port and brackets, in lower case. */
export function hostOnly(header: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? [];
  return (bracketed ?? plain ?? "").toLowerCase();
}

export function isAddress(host: string): boolean {
  return parseIp(host) !== undefined;
}

export function isLoopback(host: string): boolean {
  return host === "::1" || (host.startsWith("127.") && isAddress(host));
}

function parseAll(texts: readonly string[], port: number): CandidateAddress[] {
  const parsed = texts.map((text) => parseCandidate(text, port));
  return unique(parsed.filter((one) => one !== undefined));
}

function unique(addresses: readonly CandidateAddress[]): CandidateAddress[] {
  const seen = new Map(addresses.map((one) => [`${one.host} ${one.port}`, one]));
  return [...seen.values()].slice(0, CANDIDATES_MAX);
}
