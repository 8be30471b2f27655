/**
 * Our candidates: host, component 1 (RTP and RTCP are multiplexed), passive over TCP.
 *
 * RFC 8445 §5.1.2.1:
 * `priority = 2^24 * type preference + 2^8 * local preference + 256 - component`. RFC 6544 §4.2,
 * for TCP: `local preference = 2^13 * direction-pref + other-pref`, other-pref below 2^13.
 *
 * @module
 */
import type { Endpoint } from "../../base/mod.ts";
import type { Candidate as SdpCandidate } from "../../wire/sdp/mod.ts";
import type { Transport } from "./ice_pairs.ts";

/** RFC 8445 §5.1.2.2. */
const HOST_TYPE_PREFERENCE = 126;
/** Of host candidates, as simultaneous-open would be 2 (RFC 6544 §4.2). */
const PASSIVE_DIRECTION_PREFERENCE = 4;
const ACTIVE_DIRECTION_PREFERENCE = 6;
/** RFC 863; what an active candidate has for a port (RFC 6544 §4.5). */
const DISCARD_PORT = 9;
const MAX_OTHER_PREFERENCE = 2 ** 13 - 1;
const MAX_LOCAL_PREFERENCE = 2 ** 16 - 1;
const COMPONENT = 1;

export interface Candidate {
  readonly foundation: string;
  readonly transport: Transport;
  readonly priority: number;
  readonly host: string;
  readonly port: number;
  /** Over TCP; default `passive`. An active one is never dialled, its port is 9 (RFC 6544 §4.5). */
  readonly tcpType?: "passive" | "active";
}

/**
 * Priority of a passive TCP candidate on the address with this place in our list, best first.
 * The only address gets 126 * 2^24 + (4 * 2^13 + 8191) * 2^8 + 255 = 2124414975.
 */
export function tcpPassivePriority(place: number): number {
  const other = Math.max(0, MAX_OTHER_PREFERENCE - place);
  return priority(PASSIVE_DIRECTION_PREFERENCE * 2 ** 13 + other);
}

/**
 * Priority of a UDP candidate. With one type preference for both, UDP still goes before TCP: its
 * local preference starts at 65535, that of passive TCP ends at 40959.
 */
export function udpPriority(place: number): number {
  return priority(Math.max(0, MAX_LOCAL_PREFERENCE - place));
}

function priority(localPreference: number): number {
  return HOST_TYPE_PREFERENCE * 2 ** 24 + localPreference * 2 ** 8 + 256 - COMPONENT;
}

/**
 * A candidate for each address and transport, each with a priority of its own (RFC 8445 §5.1.2.1
 * demands it). Candidates share a foundation when address and transport are the same (§5.1.1.3).
 */
export function hostCandidates(
  tcp: readonly Endpoint[],
  udp: readonly Endpoint[] = [],
): Candidate[] {
  const foundations = new Map<string, string>();
  const make = (transport: Transport, { host, port }: Endpoint, priority: number): Candidate => {
    const key = `${transport} ${host}`;
    const foundation = foundations.get(key) ?? String(foundations.size + 1);
    foundations.set(key, foundation);
    return { foundation, transport, priority, host, port };
  };
  return [
    ...udp.map((address, place) => make("udp", address, udpPriority(place))),
    ...tcp.map((address, place) => make("tcp", address, tcpPassivePriority(place))),
  ];
}

/** What we offer when it is we who dial: nobody connects to it. */
export function activeCandidate(host: string): Candidate {
  const rank = priority(ACTIVE_DIRECTION_PREFERENCE * 2 ** 13 + MAX_OTHER_PREFERENCE);
  const tcp = { transport: "tcp", tcpType: "active", port: DISCARD_PORT } as const;
  return { foundation: "1", ...tcp, priority: rank, host };
}

/** As it stands in SDP (RFC 8839 §5.1, RFC 6544 §4.5). */
export function candidateInSdp(candidate: Candidate): SdpCandidate {
  const { foundation, transport, priority, host, port } = candidate;
  return {
    foundation,
    component: COMPONENT,
    transport,
    priority,
    address: host,
    port,
    type: "host",
    tcpType: transport === "tcp" ? (candidate.tcpType ?? "passive") : undefined,
  };
}
