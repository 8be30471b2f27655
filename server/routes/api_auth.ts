/** Basic authentication (RFC 7617) of the API, as SRS has it: on /api/, not on signalling. @module */
import type { Context, MiddlewareHandler } from "hono";
import type { CryptoProvider } from "../../core/base/mod.ts";
import type { ApiConfig } from "../config/api.ts";
import { refusesChange, refusesOrigin } from "./guard.ts";

export interface ApiGuard {
  /** Asked of every request to /api/; absent when anybody may read. */
  readonly auth: MiddlewareHandler | undefined;
  /** Why a request may not change anything, in words; `undefined` when it may. */
  readonly refuses: (context: Context) => string | undefined;
}

/**
 * With credentials configured whoever shows them may do everything, from anywhere; without, this
 * machine alone may change state. `remote` is the address of the connection a request came by.
 */
export function apiGuard(
  config: ApiConfig,
  crypto: Pick<CryptoProvider, "hash" | "equal">,
  remote: (context: Context) => string,
): ApiGuard {
  if (!config["http_api.auth.enabled"]) {
    return { auth: undefined, refuses: (c) => refusesChange(c.req.raw, remote(c)) };
  }
  return { auth: basicAuth(config, crypto), refuses: (c) => refusesOrigin(c.req.raw) };
}

/** Characters of the field's value; more is not looked at. */
const VALUE_MAX_CHARACTERS = 2048;

function basicAuth(
  config: ApiConfig,
  crypto: Pick<CryptoProvider, "hash" | "equal">,
): MiddlewareHandler {
  // Digests are of one length, so that comparing them tells nothing about that of the password.
  const digest = (bytes: Uint8Array): Uint8Array => crypto.hash("sha256", bytes);
  const text = `${config["http_api.auth.username"]}:${config["http_api.auth.password"]}`;
  const wanted = digest(new TextEncoder().encode(text));
  return async (c, next) => {
    const given = decode(c.req.header("authorization") ?? "");
    if (given !== undefined && crypto.equal(digest(given), wanted)) return next();
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
