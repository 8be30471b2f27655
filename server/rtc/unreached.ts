/**
 * A client who got his answer and then sent nothing: most likely he cannot reach what he was
 * offered. What he was offered, where that came from, and what to set.
 *
 * @module
 */
import type { Millis } from "../../core/base/mod.ts";
import { isPrivate } from "../address_ranges.ts";
import type { CandidateAddress, CandidateSource, Candidates } from "../candidates/candidates.ts";

/** Browsers send their first check at once; this leaves them two retransmissions of a SYN. */
export const UNREACHED_MILLIS: Millis = 5_000;

export interface Offered {
  readonly candidates: Candidates;
  /** Whether signalling came through a proxy that speaks HTTP. */
  readonly proxied: boolean;
  /** The client's address. */
  readonly address: string;
}

/** The likeliest cause; a metrics label. */
export type UnreachedCause = "no-candidate" | "proxy" | "private" | "closed";

export interface Unreached {
  readonly cause: UnreachedCause;
  /** As `tcp 203.0.113.5:443 (host)`, separated by commas. */
  readonly offered: string;
  /** What to do, a sentence or two. */
  readonly advice: string;
}

export function whyUnreached({ candidates, proxied, address }: Offered): Unreached {
  const { tcp, udp } = candidates;
  const all = [...tcp, ...udp];
  const offered = [...shown("tcp", tcp), ...shown("udp", udp)].join(", ");
  if (all.length === 0) {
    const advice = "Nothing was offered to connect to: set CANDIDATE=ADDRESS.";
    return { cause: "no-candidate", offered, advice };
  }
  const ports = portsOf(candidates);
  if (proxied) {
    const advice =
      "HTTP came through a proxy, and raw media cannot pass one that speaks HTTP or ends TLS: " +
      `let ${ports} through to this machine, and name its address with CANDIDATE=ADDRESS[:PORT].`;
    return { cause: "proxy", offered, advice };
  }
  if (!isPrivate(address) && all.every(({ host }) => isPrivate(host))) {
    const advice = `These addresses are private and the client ${address} is not: set CANDIDATE=ADDRESS, the public one of this server.`;
    return { cause: "private", offered, advice };
  }
  const advice =
    `If these are this server's addresses, open ${ports} to it (firewall, port mapping); ` +
    "if not, set CANDIDATE=ADDRESS[:PORT]. Behind a balancer, HTTP and media of a client must reach the same server.";
  return { cause: "closed", offered, advice };
}

const SOURCES: Readonly<Record<CandidateSource, string>> = {
  query: "eip query",
  configured: "CANDIDATE",
  host: "Host",
  connection: "connection",
  interface: "interface",
};

function shown(transport: string, addresses: readonly CandidateAddress[]): string[] {
  return addresses.map(({ host, port, source }) => {
    const literal = host.includes(":") ? `[${host}]` : host;
    return `${transport} ${literal}:${port} (${SOURCES[source]})`;
  });
}

/** As `TCP 443 and UDP 8000`. */
function portsOf({ tcp, udp }: Candidates): string {
  const list = (name: string, addresses: readonly CandidateAddress[]): string[] => {
    const ports = [...new Set(addresses.map(({ port }) => port))];
    return ports.length === 0 ? [] : [`${name} ${ports.join(" or ")}`];
  };
  return [...list("TCP", tcp), ...list("UDP", udp)].join(" and ");
}
