/** Basic authentication (RFC 7617) of the API, as SRS has it: on /api/, not on signalling. @module */
import type { Context, MiddlewareHandler } from "hono";
import type { CryptoProvider } from "../../core/base/mod.ts";
import type { ApiConfig } from "../config/api.ts";
import type { FailedLogins } from "../limits/failed_logins.ts";
import { refusesChange, refusesOrigin } from "./guard.ts";

export interface ApiGuard {
  /** Asked of every request to /api/; absent when anybody may read. */
  readonly auth: MiddlewareHandler | undefined;
  /** Why a request may not change anything, in words; `undefined` when it may. */
  readonly refuses: (context: Context) => string | undefined;
}

export interface ApiGuardOptions {
  readonly config: ApiConfig;
  readonly crypto: Pick<CryptoProvider, "hash" | "equal">;
  /** The address of the connection that a request came by. */
  readonly remote: (context: Context) => string;
  /** The address of the client. */
  readonly client: (context: Context) => string;
  readonly failed: FailedLogins;
}

/**
 * With credentials configured whoever shows them may do everything, from anywhere; without, this
 * machine alone may change state.
 */
export function apiGuard(options: ApiGuardOptions): ApiGuard {
  const { config, remote } = options;
  if (!config["http_api.auth.enabled"]) {
    return { auth: undefined, refuses: (c) => refusesChange(c.req.raw, remote(c)) };
  }
  return { auth: basicAuth(options), refuses: (c) => refusesOrigin(c.req.raw) };
}

/** Characters of the field's value; more is not looked at. */
const VALUE_MAX_CHARACTERS = 2048;

function basicAuth({ config, crypto, client, failed }: ApiGuardOptions): MiddlewareHandler {
  // Digests are of one length, so that comparing them tells nothing about that of the password.
  const digest = (bytes: Uint8Array): Uint8Array => crypto.hash("sha256", bytes);
  const text = `${config["http_api.auth.username"]}:${config["http_api.auth.password"]}`;
  const wanted = digest(new TextEncoder().encode(text));
  return async (c, next) => {
    // Browsers ask without one first, which is no guess.
    const given = decode(c.req.header("authorization") ?? "");
    if (given !== undefined) {
      const address = client(c);
      const wait = failed.wait(address);
      if (wait > 0) {
        const later = { "retry-after": String(Math.ceil(wait / 1000)) };
        return c.text("Too many wrong passwords of this address (http_api.auth)\n", 429, later);
      }
      if (crypto.equal(digest(given), wanted)) return next();
      failed.add(address);
    }
    return c.text("The API wants a user name and password (http_api.auth)\n", 401, {
      "www-authenticate": 'Basic realm="Monoport", charset="UTF-8"',
    });
  };
}

/** `user:password` in bytes; `undefined` when the value is no Basic credentials. */
function decode(value: string): Uint8Array | undefined {
  if (value.length > VALUE_MAX_CHARACTERS) return undefined;
  const token = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value)?.[1];
  if (token === undefined) return undefined;
  try {
    return Uint8Array.from(atob(token), (character) => character.charCodeAt(0));
  } catch {
    return undefined; // of a length that base64 does not have
  }
}
