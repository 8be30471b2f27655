/**
 * The authority of a request: `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2).
 *
 * Narrower than RFC 3986: a registered name is letters, digits, `-`, `_` and `.`; a name whose
 * last label is a number must be a dotted-quad IPv4 address, because a URL parser reads it as one.
 *
 * @module
 */

/** A DNS name has at most 255 characters. */
export const HOST_MAX_BYTES = 255;

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const NUMBER = /^(?:[0-9]+|0[xX][0-9A-Fa-f]*)$/;
const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const HEXTET = /^[0-9A-Fa-f]{1,4}$/;
const PORT = /^[0-9]{1,5}$/;

/** Whether `authority` names a host, and a port if any, without doubt. */
export function isAuthority(authority: string): boolean {
  const bracket = authority.startsWith("[") ? authority.indexOf("]") : 0;
  const colon = authority.indexOf(":", Math.max(bracket, 0));
  const host = colon < 0 ? authority : authority.slice(0, colon);
  if (colon >= 0 && !isPort(authority.slice(colon + 1))) return false;
  if (bracket > 0) return host.length === bracket + 1 && isIpv6(host.slice(1, bracket));
  return isName(host);
}

function isPort(text: string): boolean {
  return text === "" || (PORT.test(text) && Number(text) <= 65535);
}

function isName(host: string): boolean {
  if (host.length > HOST_MAX_BYTES || !NAME.test(host)) return false;
  const bare = host.endsWith(".") ? host.slice(0, -1) : host;
  const labels = bare.split(".");
  if (labels.includes("")) return false;
  return NUMBER.test(labels.at(-1) ?? "") ? host === bare && isIpv4(labels) : true;
}

function isIpv4(octets: readonly string[]): boolean {
  return octets.length === 4 && octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255);
}

function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    const parts = half === "" ? [] : half.split(":");
    const last = parts.at(-1) ?? "";
    if (index === halves.length - 1 && last.includes(".")) {
      parts.pop();
      if (!isIpv4(last.split("."))) return false;
      groups += 2;
    }
    if (!parts.every((part) => HEXTET.test(part))) return false;
    groups += parts.length;
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}
