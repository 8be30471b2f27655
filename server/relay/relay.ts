/** A push or a pull: one session after the other, for as long as it is wanted. @module */
import type { Millis } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import { STABLE_MILLIS, waitMillis } from "./backoff.ts";
import type { RelayContext } from "./context.ts";
import { RequestFailed, words } from "./http_answer.ts";
import { Link } from "./link.ts";
import { type RelayKind, withoutSecrets } from "./rules.ts";
import { Refused } from "./signalling.ts";

/**
 * `idle`: not wanted now. `connecting`: the offer is on its way, or the session. `connected`: media
 * can flow. `waiting`: it failed, and the next attempt is due later.
 */
export type RelayState = "idle" | "connecting" | "connected" | "waiting";

export interface RelayOptions {
  readonly context: RelayContext;
  readonly id: string;
  readonly kind: RelayKind;
  readonly name: StreamName;
  readonly url: URL;
  readonly token: (url: URL) => string | undefined;
  /** Whether it came by the API, and goes by it. */
  readonly byApi: boolean;
}

/** A relay as the API tells it. Times in ms on the wall clock. */
export interface RelayFacts {
  readonly id: string;
  readonly kind: RelayKind;
  readonly app: string;
  readonly name: string;
  /** Without what may be secret. */
  readonly url: string;
  readonly state: RelayState;
  readonly since: Millis;
  /** Sessions tried. */
  readonly attempts: number;
  /** Why the latest session failed or ended, in words; empty while all is well. */
  readonly error: string;
  /** Until the next attempt. */
  readonly retryMillis: Millis;
  readonly kbps: number;
  /** Empty while there is no path. */
  readonly transport: "tcp" | "udp" | "";
  readonly byApi: boolean;
}

export class Relay {
  readonly options: RelayOptions;
  /** The servers by which those came who want the stream of a pull. */
  via: readonly string[] = [];
  /** Since when somebody has wanted it without a break. */
  wantedSince: Millis | undefined;
  /** When nobody wanted it any more; `undefined` while somebody does. */
  unwantedSince: Millis | undefined;
  #state: RelayState = "idle";
  #since: Millis;
  #attempts = 0;
  #failures = 0;
  #error = "";
  #link: Link | undefined;
  #timer: Disposable | undefined;
  #retryAt: Millis = 0;

  constructor(options: RelayOptions) {
    this.options = options;
    this.#since = options.context.rtc.runtime.now();
  }

  get state(): RelayState {
    return this.#state;
  }

  /** The session there is. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** Begins, unless it has. */
  start(): void {
    this.unwantedSince = undefined;
    if (this.#state === "idle") this.#attempt();
  }

  /** Ends the session, and waits until it is wanted again. */
  stop(): void {
    this.unwantedSince = undefined;
    this.#timer?.[Symbol.dispose]();
    const link = this.#link;
    this.#link = undefined;
    this.#failures = 0;
    this.#error = "";
    this.#enter("idle");
    link?.close();
  }

  /** Another session at once: what was agreed on does not fit any more. */
  restart(): void {
    if (this.#state !== "connected") return;
    this.stop();
    this.start();
  }

  /** Begins anew when the stream sends what was not agreed on. */
  checkFormats(): void {
    if (this.#link?.isOutdated()) this.restart();
  }

  facts(): RelayFacts {
    const { context, id, kind, name, url, byApi } = this.options;
    const { runtime } = context.rtc;
    const now = runtime.now();
    return {
      id,
      kind,
      app: name.app,
      name: name.stream,
      url: withoutSecrets(url),
      state: this.#state,
      since: runtime.wallClock() - (now - this.#since),
      attempts: this.#attempts,
      error: this.#error,
      retryMillis: this.#state === "waiting" ? Math.max(0, this.#retryAt - now) : 0,
      kbps: Math.round((this.#link?.bitrate(now) ?? 0) / 1000),
      transport: this.#link?.transport ?? "",
      byApi,
    };
  }

  #attempt(): void {
    const { context, id, kind, name, url, token } = this.options;
    this.#attempts++;
    this.#enter("connecting");
    context.rtc.metrics.count("monoport_relay_attempts_total", kind);
    const link: Link = new Link({
      context,
      id,
      kind,
      name,
      url,
      token,
      via: this.via,
      onConnected: () => this.#connected(link),
      onEnded: (why) => this.#failed(link, why),
    });
    this.#link = link;
    link.open().catch((error: unknown) => {
      const known = error instanceof RequestFailed || error instanceof Refused;
      if (!known) context.rtc.log.error("A relay failed", { relay: id, error: String(error) });
      this.#failed(
        link,
        words(error),
        error instanceof Refused ? error.retryAfterMillis : undefined,
      );
    });
  }

  #connected(link: Link): void {
    if (link !== this.#link) return;
    this.#error = "";
    this.#enter("connected");
    this.#tell("info", this.options.kind === "push" ? "Pushing" : "Pulling");
    this.checkFormats(); // which may have changed while the session came about
  }

  #failed(link: Link, why: string, retryAfterMillis: Millis = 0): void {
    if (link !== this.#link) return;
    const { context, kind } = this.options;
    const { runtime, metrics } = context.rtc;
    const now = runtime.now();
    const stable = this.#state === "connected" && now - this.#since >= STABLE_MILLIS;
    this.#failures = stable ? 1 : this.#failures + 1;
    this.#link = undefined;
    this.#error = why;
    metrics.count("monoport_relay_failures_total", kind);
    this.#tell("warn", kind === "push" ? "A push failed" : "A pull failed", why);
    const [random = 0] = runtime.crypto.random(1);
    const wait = Math.max(waitMillis(this.#failures, random / 256), retryAfterMillis);
    this.#retryAt = now + wait;
    this.#enter("waiting");
    this.#timer = runtime.wakeAt(this.#retryAt, () => this.#attempt());
  }

  #enter(state: RelayState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = this.options.context.rtc.runtime.now();
  }

  #tell(level: "info" | "warn", message: string, error?: string): void {
    const { context, id, name, url } = this.options;
    const fields = { stream: name.key, relay: id, url: withoutSecrets(url), error };
    context.rtc.log[level](message, fields);
  }
}
