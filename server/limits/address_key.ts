import { formatIp, parseIp } from "../../core/bytes/mod.ts";

/**
 * What counts as one address: an IPv4 address, or the /64 of an IPv6 one, because a single host
 * has a /64 to itself (RFC 6177 §2, RFC 8981).
 */
export function addressKey(host: string): string {
  if (!host.includes(":")) return host;
  const bytes = parseIp(host);
  if (bytes === undefined) return host;
  if (bytes.length === 4) return formatIp(bytes);
  let key = "";
  for (let i = 0; i < 8; i++) key += (bytes[i] ?? 0).toString(16).padStart(2, "0");
  return `${key}/64`;
}
