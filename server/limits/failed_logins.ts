/** How often an address may guess. @module */
import type { Millis } from "../../core/base/mod.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { addressKey } from "./address_key.ts";
import { RateLimit } from "./rate_limit.ts";

/** Wrong passwords of one address at once; a person who looks for the right one needs fewer. */
export const FAILED_LOGINS_MAX = 10;
/** After so long there is one more. */
export const FAILED_LOGIN_MILLIS: Millis = 10_000;

export interface FailedLoginsOptions {
  readonly now: () => Millis;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Wrong passwords by address. While there are too many the right one counts no more than they do: a
 * guesser must not be told which it is.
 */
export class FailedLogins {
  readonly #options: FailedLoginsOptions;
  readonly #limit = new RateLimit({
    perSecond: 1000 / FAILED_LOGIN_MILLIS,
    burst: FAILED_LOGINS_MAX,
  });

  constructor(options: FailedLoginsOptions) {
    this.#options = options;
  }

  /** The ms for which no password of this address is looked at; 0: look. */
  wait(address: string): Millis {
    const { now, metrics } = this.#options;
    const wait = this.#limit.wait(addressKey(address), now());
    if (wait > 0) metrics.count("monoport_api_logins_refused_total", "rate");
    return wait;
  }

  /** This address has shown a wrong one. */
  add(address: string): void {
    const { now, log, metrics } = this.#options;
    this.#limit.take(addressKey(address), now());
    metrics.count("monoport_api_logins_refused_total", "wrong");
    log.limited("warn", "A wrong password for the API (http_api.auth)", { address });
  }
}
