import type { Context } from "hono";

/** Tells a server that the request was sent on once: two full ones would play ball with it. */
const MARK = "redirected";

/**
 * 307 to the same path and query on the server at `base`: the client sends its offer again
 * (RFC 9725 §4.5). `undefined` when there is no such server, or the request was sent on already.
 */
export function redirect(c: Context, base: string): Response | undefined {
  if (base === "" || c.req.query(MARK) !== undefined) return undefined;
  const { pathname, search } = new URL(c.req.url);
  const location = `${base}${pathname}${search === "" ? "?" : `${search}&`}${MARK}=1`;
  return c.text(`This session is served by ${base}\n`, 307, { location });
}
