/**
 * Who may change state through the API while no credentials are configured: a program on this very
 * machine that names it, and nobody else.
 *
 * @module
 */
import { hostOnly, isLoopback } from "../candidates/candidates.ts";
import { PROXY_FIELDS } from "./peer.ts";

/**
 * Words for the refusal, or `undefined` when the call may pass. `remote` is the address of the TCP
 * connection's peer. Host and Origin are checked because a page of any site can make a visitor's
 * browser call 127.0.0.1, and a name that resolves there (DNS rebinding).
 */
export function refusesChange(request: Request, remote: string): string | undefined {
  const headers = request.headers;
  const host = hostOnly(headers.get("host") ?? "");
  if (!isLoopback(remote))
    return `only this machine itself may change state, and the call came from ${remote}`;
  if (PROXY_FIELDS.some((name) => headers.has(name))) {
    return "the call came through a proxy, and no credentials are configured";
  }
  if (host !== "localhost" && !isLoopback(host))
    return "the Host of the call is not this machine (localhost, 127.0.0.1 or ::1)";
  return refusesOrigin(request);
}

/**
 * The same for who has shown credentials: a browser adds those it knows to what any page asks for.
 */
export function refusesOrigin(request: Request): string | undefined {
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== new URL(request.url).origin)
    return "a page of another origin made the call";
  return undefined;
}
