/** Who sent a request and whom he meant to reach, seen through trusted proxies. @module */
import type { Endpoint } from "../../core/base/mod.ts";
import type { AddressSet } from "../address_ranges.ts";
import { hostOnly, isAddress } from "../candidates/candidates.ts";
import { parseForwarded } from "../forwarded.ts";

export interface Peer {
  /** The client's IP address: the connection's, or what a trusted proxy says. */
  readonly address: string;
  /** The IP address at the other end of the TCP connection. */
  readonly direct: string;
  /** Whether `direct` is a configured proxy. */
  readonly trusted: boolean;
  /** Where the connection came to: ours, or the destination in a PROXY header. */
  readonly local: Endpoint;
  /** The host the client asked for, with its port if he wrote one; empty when nobody says. */
  readonly host: string;
  /** The port the client connected to, as far as HTTP tells. */
  readonly port: number | undefined;
  /** Whether a proxy that speaks HTTP stands between: listed, or by the fields it left. */
  readonly proxied: boolean;
}

/** How a request came in. */
export interface Arrived {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  readonly secure: boolean;
}

/** Any of them says that somebody else's call was passed on to us. */
export const PROXY_FIELDS: readonly string[] = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
];

/**
 * What proxies write counts from trusted ones only. Of `X-Forwarded-For` it is, from the right, the
 * first address that is no such proxy. `Forwarded` counts where there is no `X-Forwarded-For`: a
 * proxy that writes one of them passes the client's own spelling of the other.
 */
export function peerOf(
  headers: Headers,
  { remote, local, secure }: Arrived,
  proxies: AddressSet,
): Peer {
  const direct = remote.host;
  const trusted = proxies.has(direct);
  const host = headers.get("host") ?? "";
  const proxied = trusted || PROXY_FIELDS.some((name) => headers.has(name));
  const seen = { direct, trusted, local, proxied };
  if (!trusted)
    return {
      ...seen,
      address: direct,
      host,
      port: portOf(host) ?? (proxied ? undefined : portOfScheme(secure)),
    };
  const said = saidByProxies(headers);
  const meant = said.host ?? host;
  const port =
    said.port ??
    portOf(meant) ??
    (said.proto === undefined ? undefined : portOfScheme(said.proto === "https"));
  return { ...seen, address: clientOf(said.hops, direct, proxies), host: meant, port };
}

interface Said {
  /** From the client on. */
  readonly hops: readonly string[];
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly proto: string | undefined;
}

function saidByProxies(headers: Headers): Said {
  const list = (name: string): string[] =>
    (headers.get(name) ?? "")
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "");
  const hops = list("x-forwarded-for");
  const forwarded = hops.length === 0 ? parseForwarded(headers.get("forwarded") ?? "") : undefined;
  const real = headers.get("x-real-ip")?.trim();
  const [first] = forwarded ?? [];
  return {
    hops:
      hops.length > 0
        ? hops
        : first?.has("for")
          ? (forwarded ?? []).map((one) => one.get("for") ?? "")
          : real === undefined
            ? []
            : [real],
    host: list("x-forwarded-host")[0] ?? first?.get("host"),
    port: readPort(list("x-forwarded-port")[0]),
    proto: (list("x-forwarded-proto")[0] ?? first?.get("proto"))?.toLowerCase(),
  };
}

function clientOf(hops: readonly string[], direct: string, proxies: AddressSet): string {
  let address = direct;
  for (const hop of [...hops].reverse()) {
    // Some write the port behind it.
    const host = isAddress(hop) ? hop : hostOnly(hop);
    if (!isAddress(host)) break;
    address = host;
    if (!proxies.has(host)) break;
  }
  return address;
}

/** The port of `host:port`; `undefined` when it names none. */
function portOf(host: string): number | undefined {
  return readPort(/^(?:\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(host)?.[1]);
}

function readPort(digits: string | undefined): number | undefined {
  if (digits === undefined || !/^\d{1,5}$/.test(digits)) return undefined;
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function portOfScheme(secure: boolean): number {
  return secure ? 443 : 80;
}
