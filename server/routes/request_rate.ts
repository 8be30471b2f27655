import type { Context, MiddlewareHandler } from "hono";
import type { Millis } from "../../core/base/mod.ts";
import { addressKey } from "../limits/address_key.ts";
import type { RateLimit } from "../limits/rate_limit.ts";
import type { Peer } from "./peer.ts";

export interface RequestRateOptions {
  readonly limit: RateLimit;
  readonly now: () => Millis;
  readonly peer: (context: Context) => Peer;
  readonly onLimited: () => void;
}

/** Methods that make, change or end a session (RFC 9725 §5 wants them limited), or ask for admission. */
const LIMITED: readonly string[] = ["POST", "PATCH", "DELETE", "OPTIONS"];

/** 429 with Retry-After for who asks too often. */
export function requestRate(options: RequestRateOptions): MiddlewareHandler {
  const { limit, now, peer, onLimited } = options;
  return async (c, next) => {
    if (!LIMITED.includes(c.req.method) || isPreflight(c)) return next();
    const { address, direct, trusted } = peer(c);
    // A trusted proxy that names nobody stands for all who come through it.
    const wait = trusted && address === direct ? 0 : limit.take(addressKey(address), now());
    if (wait === 0) return next();
    onLimited();
    const seconds = Math.max(1, Math.ceil(wait / 1000));
    return c.text("Too many requests of this address (limits.requests_per_second)\n", 429, {
      "retry-after": String(seconds),
    });
  };
}

/** What comes before the request that counts; nobody is asked about it. */
function isPreflight(c: Context): boolean {
  return c.req.method === "OPTIONS" && c.req.header("access-control-request-method") !== undefined;
}
