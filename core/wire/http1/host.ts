/**
 * The authority of a request: `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2).
 *
 * Narrower than RFC 3986: a registered name is letters, digits, `-`, `_` and `.`; a name whose
 * last label is a number must be a dotted-quad IPv4 address, because a URL parser reads it as one.
 *
 * @module
 */
import { parseIp } from "../../bytes/mod.ts";

/** A DNS name has at most 255 characters. */
export const HOST_MAX_BYTES = 255;

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const NUMBER = /^(?:[0-9]+|0[xX][0-9A-Fa-f]*)$/;
const PORT = /^[0-9]{1,5}$/;

/** Whether `authority` names a host, and a port if any, without doubt. */
export function isAuthority(authority: string): boolean {
  const bracket = authority.startsWith("[") ? authority.indexOf("]") : 0;
  const colon = authority.indexOf(":", Math.max(bracket, 0));
  const host = colon < 0 ? authority : authority.slice(0, colon);
  if (colon >= 0 && !isPort(authority.slice(colon + 1))) return false;
  if (bracket > 0) return isIpv6Literal(host, bracket);
  return isName(host);
}

function isIpv6Literal(host: string, bracket: number): boolean {
  const address = host.slice(1, bracket);
  return host.length === bracket + 1 && address.includes(":") && parseIp(address) !== undefined;
}

function isPort(text: string): boolean {
  return text === "" || (PORT.test(text) && Number(text) <= 65535);
}

function isName(host: string): boolean {
  if (host.length > HOST_MAX_BYTES || !NAME.test(host)) return false;
  const bare = host.endsWith(".") ? host.slice(0, -1) : host;
  const labels = bare.split(".");
  if (labels.includes("")) return false;
  return NUMBER.test(labels.at(-1) ?? "") ? parseIp(host) !== undefined : true;
}
