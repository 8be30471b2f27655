/** Addresses as the contract wants them, and errors an operator can act on. @module */

import { MonoportError } from "../../core/base/error.ts";
import type { Endpoint, ListenOptions } from "../../core/base/io.ts";

/** Dual-stack sockets call IPv4 peers `::ffff:192.0.2.1`; link-local ones carry a zone. */
export function endpoint(host: string | undefined, port: number | undefined): Endpoint {
  return { host: plainHost(host ?? ""), port: port ?? 0 };
}

export function plainHost(host: string): string {
  const zone = host.indexOf("%");
  const bare = zone < 0 ? host : host.slice(0, zone);
  return bare.startsWith("::ffff:") && bare.includes(".") ? bare.slice(7) : bare;
}

/** Codes with which binding `::` fails on a machine without IPv6. */
const NO_IPV6 = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EPROTONOSUPPORT", "EINVAL"]);

/** Listens on the host asked for, else on all interfaces, IPv6 and IPv4 or IPv4 alone. */
export async function onHost<T>(
  options: ListenOptions,
  listen: (host: string) => Promise<T>,
): Promise<T> {
  const { host, port } = options;
  try {
    return await listen(host ?? "::");
  } catch (error) {
    if (host !== undefined || !NO_IPV6.has(codeOf(error))) throw listenError(error, host, port);
  }
  try {
    return await listen("0.0.0.0");
  } catch (error) {
    throw listenError(error, "0.0.0.0", port);
  }
}

export function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

export function asError(thrown: unknown): Error & { readonly code?: string } {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** An error with a code of the operating system, as node:net makes them. */
export function systemError(code: string, message: string): Error & { readonly code: string } {
  return Object.assign(new Error(message), { code });
}

/** Linux keeps ports below this one for root. */
const UNPRIVILEGED_PORT = 1024;

function fix(port: number): string {
  if (port >= UNPRIVILEGED_PORT) return "";
  return `: ports below ${UNPRIVILEGED_PORT} need root or CAP_NET_BIND_SERVICE (docs/operations.md, "Open the port")`;
}

export function listenError(cause: unknown, host: string | undefined, port: number): Error {
  const literal = host?.includes(":") ? `[${host}]` : host;
  const wild = host === undefined || host === "::" || host === "0.0.0.0";
  const place = wild ? `port ${port}` : `${literal}:${port}`;
  switch (codeOf(cause)) {
    case "EADDRINUSE":
      return new MonoportError("port-in-use", `${place} is in use by another program`, { cause });
    case "EACCES":
      return new MonoportError("port-forbidden", `${place} is not allowed${fix(port)}`, { cause });
    case "EADDRNOTAVAIL":
    case "EINVAL": // node:net on Deno
      return unavailable(place, `this machine does not have the address ${literal}`, cause);
    default:
      return isName(host) ? unavailable(place, asError(cause).message, cause) : asError(cause);
  }
}

/** Whether it has to be looked up, which each runtime fails to in its own words. */
function isName(host: string | undefined): boolean {
  return host !== undefined && !host.includes(":") && /[a-z]/i.test(host);
}

function unavailable(place: string, why: string, cause: unknown): MonoportError {
  return new MonoportError("address-unavailable", `${place} cannot be listened on: ${why}`, {
    cause,
  });
}
