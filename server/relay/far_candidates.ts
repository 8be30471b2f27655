/** Which of the far end's candidates are connected to. @module */
import type { Endpoint } from "../../core/base/mod.ts";
import { formatIp, parseIp } from "../../core/bytes/mod.ts";
import type { Candidate } from "../../core/wire/sdp/mod.ts";
import type { AllowList } from "./allow_list.ts";

/** Candidates of each transport that are tried: an answer shall not make us scan ports. */
export const CANDIDATES_MAX = 4;

/** Where an answer came from. */
export interface Signaller {
  /** Of the URL. */
  readonly host: string;
  /** That was dialled. */
  readonly address: string;
}

export interface FarCandidates {
  /** Passive ones, the best first. */
  readonly tcp: readonly Endpoint[];
  readonly udp: readonly Endpoint[];
  /** Those that may not be connected to, in words. */
  readonly passedOver: readonly string[];
}

/** The signaller's own address and what the operator has listed; anything else is passed over. */
export function farCandidates(
  candidates: readonly Candidate[],
  signaller: Signaller,
  allow: AllowList,
): FarCandidates {
  const tcp: Endpoint[] = [];
  const udp: Endpoint[] = [];
  const passedOver: string[] = [];
  const own = addressOf(signaller.address, signaller);
  for (const one of candidates.toSorted((a, b) => b.priority - a.priority)) {
    const passive = one.transport === "tcp" && one.tcpType !== "active" && one.tcpType !== "so";
    if ((!passive && one.transport !== "udp") || one.port < 1) continue;
    const host = addressOf(one.address, signaller);
    const allowed = host !== undefined && (host === own || allow.allowsAddress(host, one.port));
    const into = passive ? tcp : udp;
    if (!allowed) passedOver.push(`${one.transport} ${one.address} port ${one.port}`);
    else if (into.length < CANDIDATES_MAX) into.push({ host, port: one.port });
  }
  return { tcp, udp, passedOver: passedOver.slice(0, CANDIDATES_MAX) };
}

/** A name is taken for the signaller's own alone: any other would be looked up for the far end. */
function addressOf(address: string, signaller: Signaller): string | undefined {
  const bytes = parseIp(address);
  if (bytes !== undefined) return formatIp(bytes);
  return address.toLowerCase() === signaller.host.toLowerCase() ? signaller.address : undefined;
}
