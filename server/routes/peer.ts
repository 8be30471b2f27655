/** Who sent a request, seen through trusted proxies. @module */
import type { Endpoint } from "../../core/base/mod.ts";
import { isAddress } from "../candidates.ts";

export interface Peer {
  /** The client's IP address: the connection's, or what a trusted proxy says. */
  readonly address: string;
  /** The IP address at the other end of the TCP connection. */
  readonly direct: string;
  /** Whether `direct` is a configured proxy. */
  readonly trusted: boolean;
  /** The port the connection came to. */
  readonly localPort: number;
}

/**
 * `X-Forwarded-For` counts from trusted proxies only: from the right, the first address that is no
 * such proxy.
 */
export function peerOf(
  headers: Headers,
  remote: Endpoint,
  local: Endpoint,
  proxies: ReadonlySet<string>,
): Peer {
  const direct = remote.host;
  const trusted = proxies.has(direct);
  const peer = { direct, trusted, localPort: local.port };
  if (!trusted) return { ...peer, address: direct };
  const hops = (headers.get("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
  const real = headers.get("x-real-ip")?.trim();
  if (real !== undefined && hops.join("") === "") hops.push(real);
  let address = direct;
  for (const hop of hops.reverse()) {
    if (!isAddress(hop)) break;
    address = hop;
    if (!proxies.has(hop)) break;
  }
  return { ...peer, address };
}
