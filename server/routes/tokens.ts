/** What a request shows to be admitted. @module */
import type { Context } from "hono";

/** The bearer token of RFC 6750 §2.1; empty when there is none. */
export function bearerOf(c: Context): string {
  return /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
}

/** The bearer token, or the `token` query. */
export function tokenOf(c: Context): string {
  return bearerOf(c) || (c.req.query("token") ?? "");
}
