/** How the program comes to an end: by and by, or at once. @module */
import type { Millis, Runtime } from "../core/base/mod.ts";
import type { Config } from "./config/config.ts";
import type { HttpServer } from "./http/mod.ts";
import type { Log } from "./log.ts";
import type { Readiness } from "./readiness.ts";
import type { RtcServer } from "./rtc/mod.ts";

/** How often it is looked whether all have left. */
const LOOK_MILLIS: Millis = 50;

export interface EndingParts {
  readonly runtime: Pick<Runtime, "now" | "wakeAt">;
  readonly config: Pick<Config, "drain.grace" | "grace_start_wait">;
  readonly log: Log;
  readonly readiness: Readiness;
  readonly rtc: Pick<RtcServer, "sessions" | "refuseNew" | "endSessions">;
  readonly http: Pick<HttpServer, "shedIdle">;
}

export class Ending {
  readonly #parts: EndingParts;
  readonly #closeAll: () => Promise<void>;
  readonly #leaving: Leaving;
  #drained: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(parts: EndingParts, closeAll: () => Promise<void>) {
    this.#parts = parts;
    this.#closeAll = closeAll;
    this.#leaving = new Leaving(parts.runtime);
  }

  /** Everything is closed when it resolves; a call of `close` meanwhile makes that soon. */
  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  close(): Promise<void> {
    this.#parts.readiness.drain();
    this.#leaving.cut();
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #drain(): Promise<void> {
    const { config, log, readiness, rtc, http } = this.#parts;
    const sessionsMillis = config["drain.grace"];
    readiness.drain();
    rtc.refuseNew();
    http.shedIdle(Number.POSITIVE_INFINITY);
    log.info("Draining: new sessions are refused", {
      sessions: rtc.sessions,
      seconds: sessionsMillis / 1000,
    });
    const grace = { sessionsMillis, leastMillis: config.grace_start_wait };
    await this.#leaving.wait(
      grace,
      () => rtc.sessions,
      () => {
        log.info("Ending the sessions that are left", { sessions: rtc.sessions });
        rtc.endSessions();
      },
    );
    await this.close();
  }
}

export interface Grace {
  /** Sessions get so long. */
  readonly sessionsMillis: Millis;
  /** And it takes so long, even without any. */
  readonly leastMillis: Millis;
}

/** A wait for the clients to leave, which somebody in a hurry may cut short. */
export class Leaving {
  readonly #runtime: Pick<Runtime, "now" | "wakeAt">;
  #timer: Disposable | undefined;
  #cut: () => void = () => {};
  #isCut = false;

  constructor(runtime: Pick<Runtime, "now" | "wakeAt">) {
    this.#runtime = runtime;
  }

  /**
   * Resolves when no session is left or the grace is over, and not before the least time; at once
   * when cut. `endSessions` is called where some are left.
   */
  async wait(grace: Grace, sessions: () => number, endSessions: () => void): Promise<void> {
    const start = this.#runtime.now();
    await this.#until(start + grace.sessionsMillis, () => sessions() === 0);
    if (sessions() > 0) endSessions();
    await this.#until(start + grace.leastMillis, () => false);
  }

  cut(): void {
    this.#isCut = true;
    this.#cut();
  }

  #until(deadline: Millis, holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        const now = this.#runtime.now();
        if (this.#isCut || now >= deadline || holds()) resolve();
        else this.#timer = this.#runtime.wakeAt(Math.min(deadline, now + LOOK_MILLIS), look);
      };
      this.#cut = () => {
        this.#timer?.[Symbol.dispose]();
        resolve();
      };
      look();
    });
  }
}
