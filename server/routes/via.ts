/** Keeps streams from going in circles between servers. @module */
import type { Context, MiddlewareHandler } from "hono";
import type { Relays } from "../relay/mod.ts";
import { parseVia, refusesVia, VIA_FIELD } from "../relay/via.ts";

interface Wanted {
  readonly key: string;
  readonly publishes: boolean;
}

/**
 * Refuses what has passed this server (508), tells `relays` by which servers others came, and tells
 * servers who play what the stream has passed.
 */
export function checkVia(relays: Relays, onRefused: (status: number) => void): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.method !== "POST") return next();
    const via = parseVia(c.req.header(VIA_FIELD));
    if (via === undefined) return c.text(`Cannot read ${VIA_FIELD}: it is ids with commas\n`, 400);
    const refusal = refusesVia(via, relays.self);
    if (refusal !== undefined) {
      onRefused(508);
      return c.text(`${refusal}\n`, 508);
    }
    await next();
    const wanted = c.res.status === 201 ? wantedOf(c) : undefined;
    if (wanted === undefined) return undefined;
    if (wanted.publishes) relays.published(wanted.key, via);
    else {
      c.res.headers.set(VIA_FIELD, [...relays.viaOf(wanted.key), relays.self].join(", "));
      relays.played(wanted.key, via);
    }
    return undefined;
  };
}

/** The stream of a request that was taken. */
function wantedOf(c: Context): Wanted | undefined {
  const [, way, app, stream] = /^\/(whip|whep)\/([^/]+)\/([^/]+)$/.exec(c.req.path) ?? [];
  if (way !== undefined) return { key: `${app}/${stream}`, publishes: way === "whip" };
  const [, name] = /^\/rtc\/v1\/(whip|whep|whip-play)\/?$/.exec(c.req.path) ?? [];
  if (name === undefined) return undefined;
  const query = (key: string, absent: string): string => c.req.query(key) ?? absent;
  const key = `${query("app", "live")}/${query("stream", "livestream")}`;
  return { key, publishes: name === "whip" && c.req.query("action") !== "play" };
}
