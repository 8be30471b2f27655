import type { IceServer } from "../config/signalling.ts";

/** A Link value for each (RFC 9725 §4.6). */
export function iceLinks(servers: readonly IceServer[]): readonly string[] {
  return servers.map(({ uri, username, credential }) => {
    const link = `<${uri}>; rel="ice-server"`;
    if (username === undefined || credential === undefined) return link;
    return `${link}; username=${quoted(username)}; credential=${quoted(credential)}`;
  });
}

/** quoted-string of RFC 9110 §5.6.4. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
