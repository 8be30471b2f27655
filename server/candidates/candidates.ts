/**
 * Which addresses a browser is told to connect to, and by which ports.
 *
 * Sources as of SRS, each adding to those before: the configuration, the request's Host, the
 * interfaces where nothing is configured. The queries `eip` and `candidate` are the client's own
 * choice and stand alone. Best first: SRS gives all of them the same priority.
 *
 * What the client claims (queries, Host) goes into his own answer only.
 *
 * @module
 */
import type { Endpoint, InterfaceAddress } from "../../core/base/mod.ts";
import { formatIp, parseIp } from "../../core/bytes/mod.ts";
import { isPrivate } from "../address_ranges.ts";

/** Where an offered address comes from. */
export type CandidateSource = "query" | "configured" | "host" | "connection" | "interface";

/** An address as it stands in `a=candidate`. */
export interface CandidateAddress extends Endpoint {
  readonly source: CandidateSource;
}

/** What an answer offers, best first. */
export interface Candidates {
  readonly tcp: readonly CandidateAddress[];
  /** Empty when UDP is not served. */
  readonly udp: readonly CandidateAddress[];
}

/** `ip`, `ip:port`, `name`, `name:port` as somebody wrote it. */
export interface WrittenAddress {
  readonly host: string;
  readonly port: number | undefined;
}

export interface CandidateSources {
  /** The `eip` and `candidate` queries; names are resolved. */
  readonly query: readonly WrittenAddress[];
  /** The setting `rtc_server.candidate` without `*`; names are resolved. */
  readonly configured: readonly WrittenAddress[];
  /** The addresses of the request's Host; none when it is not to be used. */
  readonly host: readonly string[];
  /** Where the request's connection came to. */
  readonly local: Endpoint;
  /** The client's address. */
  readonly client: string;
  readonly interfaces: readonly InterfaceAddress[];
  readonly family: "ipv4" | "ipv6" | "all";
}

/** By which ports media of one transport is reached. */
export interface CandidatePorts {
  /** From outside, likeliest first: on addresses that are written without a port. */
  readonly outside: readonly number[];
  /** On this machine's own addresses. */
  readonly own: number;
  /** On the address the connection came to, which a PROXY header may have told. */
  readonly reached: number;
}

/** Most candidates of a transport in an answer: each costs the browser a connection attempt. */
const CANDIDATES_MAX = 8;

export function candidateAddresses(
  sources: CandidateSources,
  ports: CandidatePorts,
): readonly CandidateAddress[] {
  const asked = spread(sources.query, "query", ports);
  if (asked.length > 0) return unique(asked);
  const configured = spread(sources.configured, "configured", ports);
  const named = sources.host.filter((host) => !hasOwnPort(sources.configured, host));
  const host = spread(written(named), "host", ports);
  const known = [...configured, ...host];
  // Who came to this very address and port needs no other.
  const direct = known.some(
    (one) => one.host === sources.local.host && one.port === sources.local.port,
  );
  if (configured.length > 0 || (direct && !isLoopback(sources.local.host))) return unique(known);
  const own = ownAddresses(sources, ports);
  // A private address is of no use from afar, and browsers ask people before they connect to one.
  const near = isPrivate(sources.client) ? own : own.filter((one) => !isPrivate(one.host));
  const all = [...known, ...near];
  if (all.length > 0) return unique(all);
  const last = { host: "127.0.0.1", port: ports.own, source: "interface" } as const;
  return unique(own.length > 0 ? own : [last]);
}

/** The address the connection came to, then those of the interfaces. */
function ownAddresses(
  { local, interfaces, family }: CandidateSources,
  ports: CandidatePorts,
): CandidateAddress[] {
  const found = interfaces
    .filter((one) => !one.internal && (family === "all" || one.family === family))
    .map((one) => one.address);
  const reached = isLoopback(local.host) ? [] : [local.host];
  return [...reached, ...found]
    .filter((host) => isAddress(host) && !host.toLowerCase().startsWith("fe80:"))
    .map((host, i) => ({
      host,
      port: i < reached.length ? ports.reached : ports.own,
      source: i < reached.length ? ("connection" as const) : ("interface" as const),
    }));
}

function spread(
  addresses: readonly WrittenAddress[],
  source: CandidateSource,
  ports: CandidatePorts,
): CandidateAddress[] {
  return addresses.flatMap(({ host, port }) =>
    (port === undefined ? ports.outside : [port]).map((one) => ({ host, port: one, source })),
  );
}

function written(hosts: readonly string[]): WrittenAddress[] {
  return hosts.map((host) => ({ host, port: undefined }));
}

function hasOwnPort(addresses: readonly WrittenAddress[], host: string): boolean {
  return addresses.some((one) => one.host === host && one.port !== undefined);
}

/** What is known of the ports of a request and of media. */
export interface PortFacts {
  /** The port the request's connection came to: ours, or the one in a PROXY header. */
  readonly local: number;
  /** The port the client connected to, as far as HTTP tells. */
  readonly client: number | undefined;
  /** Whether a proxy that speaks HTTP stands between: its port is likely to take nothing else. */
  readonly proxied: boolean;
  /** Where media is taken on this machine. */
  readonly media: readonly number[];
  /** Where anything is. */
  readonly ours: readonly number[];
}

/**
 * A container or a balancer may have mapped the port: then Host, which browsers write truly, or the
 * PROXY header has the one outside. It is the port of media too where both share one on this
 * machine; behind it comes our own, for a proxy that speaks HTTP but leaves no trace.
 */
export function candidatePorts(facts: PortFacts): CandidatePorts {
  const { local, client, proxied, media, ours } = facts;
  const [first = local] = media;
  if (ours.includes(local) && !media.includes(local)) {
    return { outside: [first], own: first, reached: first };
  }
  const seen = client ?? local;
  const outside = proxied ? [local, seen] : [seen, local];
  const own = ours.includes(local) ? local : first;
  return { outside: [...new Set(outside)], own, reached: local };
}

/** `ip`, `ip:port`, `[ip6]:port`, `name`, `name:port`; `undefined` for anything else. */
export function parseCandidate(text: string): WrittenAddress | undefined {
  if (isAddress(text)) return { host: canonical(text), port: undefined };
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]{1,253}))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || (bracketed !== undefined && !isAddress(bracketed))) return undefined;
  if (/^[\d.]+$/.test(host) && !isAddress(host)) return undefined;
  if (digits === undefined) return { host: canonical(host), port: undefined };
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? { host: canonical(host), port } : undefined;
}

/** The entries of `text`, separated by blanks or commas; what is none is left out. */
export function parseCandidates(text: string): WrittenAddress[] {
  const parsed = text.split(/[\s,]+/, 64).map(parseCandidate);
  return parsed.filter((one) => one !== undefined);
}

/** Whether an entry of the setting asks the interfaces. */
export function isWildcard(text: string): boolean {
  return text === "*" || text === "0.0.0.0" || text === "::" || text === "[::]";
}

/** The host of a Host header, without port and brackets, in lower case. */
export function hostOnly(header: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? [];
  return (bracketed ?? plain ?? "").toLowerCase();
}

/** An address as RFC 5952 writes it, a name in lower case. */
export function canonical(host: string): string {
  const bytes = parseIp(host);
  return bytes === undefined ? host.toLowerCase() : formatIp(bytes);
}

export function isAddress(host: string): boolean {
  return parseIp(host) !== undefined;
}

export function isLoopback(host: string): boolean {
  return host === "::1" || (host.startsWith("127.") && isAddress(host));
}

function unique(addresses: readonly CandidateAddress[]): readonly CandidateAddress[] {
  const seen = new Map<string, CandidateAddress>();
  for (const one of addresses) {
    const key = `${one.host} ${one.port}`;
    if (!seen.has(key)) seen.set(key, one);
  }
  return [...seen.values()].slice(0, CANDIDATES_MAX);
}
