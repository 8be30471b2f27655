import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import { AddressRanges } from "../address_ranges.ts";
import type { Config } from "../config/config.ts";
import { addressKey } from "../limits/address_key.ts";
import { RateLimit } from "../limits/rate_limit.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Recordings } from "../record/mod.ts";
import { type Identity, word } from "../routes/envelope.ts";
import type { Fetch } from "../tls/mod.ts";
import { clientBody, closeBody, type Known, type SegmentFile } from "./bodies.ts";
import { callHook, type HookAnswer, HookFailed, type RecordFormat } from "./call.ts";
import { type Leaving, OneVisit } from "./one_visit.ts";
import { type Telling, Tellings } from "./tellings.ts";
import { Turns } from "./turns.ts";
import type { Entered, Refused, Visitor, Visits } from "./visit.ts";

export interface HooksOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly fetch: Fetch;
  readonly identity: Identity;
}

export type HookedRecordings = Pick<Recordings, "onFinished" | "onDeleted" | "start">;

type Deciding = "on_connect" | "on_publish" | "on_play";
type Told = "on_close" | "on_unpublish" | "on_stop" | "on_dvr" | "on_dvr_delete" | "on_hls";

/** A visitor whose session has not begun by then has gone elsewhere. */
const BEGIN_MILLIS: Millis = 60_000;
/** Characters of a visitor's query, token and URL, each. */
export const WORDS_MAX = 4096;
/** Streams whose last publisher is remembered, for recordings and segments. */
export const PUBLISHERS_MAX = 10_000;

/** HTTP hooks as SRS has them: some decide, some are told. */
export class Hooks implements Visits {
  readonly #options: HooksOptions;
  readonly #turns: Readonly<Record<Deciding, Turns>>;
  readonly #tellings = new Map<string, Tellings>();
  /** By key of the stream, who came last at the end. */
  readonly #publishers = new Map<string, Known>();
  readonly #underWay = new Set<AbortController>();
  readonly #rate: RateLimit;
  /** Proxies and balancers, for all who come by them. */
  readonly #many: AddressRanges;
  #closed = false;
  #recordings: HookedRecordings | undefined;

  constructor(options: HooksOptions) {
    this.#options = options;
    const { config } = options;
    this.#rate = new RateLimit({
      perSecond: config["limits.requests_per_second"],
      burst: config["limits.requests_burst"],
    });
    this.#many = new AddressRanges([...config.trusted_proxies, ...config["proxy_protocol.from"]]);
    this.#turns = { on_connect: new Turns(), on_publish: new Turns(), on_play: new Turns() };
    options.metrics.gauge(
      "monoport_hooks_waiting",
      "Calls of hooks under way or to be made",
      () => this.#waiting,
    );
  }

  async enter(visitor: Visitor): Promise<Entered> {
    // What is kept of each visitor is told again when he leaves.
    if ([visitor.param, visitor.tcUrl, visitor.token].some((one) => one.length > WORDS_MAX))
      return TOO_LONG;
    const { runtime } = this.#options;
    if (!this.#mayAsk(visitor.address)) return TOO_OFTEN;
    const pageUrl = visitor.pageUrl.slice(0, WORDS_MAX);
    const known: Known = { id: word(runtime, 8), visitor: { ...visitor, pageUrl } };
    const { id } = known;
    const { action } = visitor;
    const visit = new OneVisit({ id, action, leaving: this.#leaving(known) });
    const deadline = this.#deadline();
    try {
      const connect = await this.#decide("on_connect", known, deadline.controller.signal);
      if ("admitted" in connect) return connect;
      visit.connected = true;
      const hook = action === "publish" ? "on_publish" : "on_play";
      const answer = await this.#decide(hook, known, deadline.controller.signal);
      if ("admitted" in answer) {
        visit.left();
        return answer;
      }
      visit.entered = true;
      visit.await(runtime, BEGIN_MILLIS, () => this.#began(known, answer.record));
      return { admitted: true, visit };
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  /** Whoever makes us ask makes others work for him. */
  #mayAsk(address: string): boolean {
    if (this.#many.has(address)) return true;
    const { runtime, metrics } = this.#options;
    if (this.#rate.take(addressKey(address), runtime.now()) === 0) return true;
    metrics.count("monoport_requests_limited_total");
    return false;
  }

  /** Tells of each that is finished, and begins those that hooks ask for. */
  follow(recordings: HookedRecordings): void {
    this.#recordings = recordings;
    recordings.onFinished(({ app, stream, file }) => {
      const known = this.#publisherOf(app, stream);
      const cwd = this.#options.runtime.cwd();
      this.#tell("on_dvr", known, () => this.#body("on_dvr", known, { cwd, file }));
    });
    recordings.onDeleted(({ app, stream, path: file }, why) => {
      const known = this.#publisherOf(app, stream);
      const cwd = this.#options.runtime.cwd();
      const body = { cwd, file, for: why };
      this.#tell("on_dvr_delete", known, () => this.#body("on_dvr_delete", known, body));
    });
  }

  /** A segment of the stream is complete. */
  segment({ app, stream }: StreamName, segment: SegmentFile): void {
    const known = this.#publisherOf(app, stream);
    this.#tell("on_hls", known, () =>
      this.#body("on_hls", known, { cwd: this.#options.runtime.cwd(), ...segment }),
    );
  }

  /** Nobody is asked any more; what is to be told has so long. */
  async close(millis: Millis): Promise<void> {
    this.#closed = true;
    const { runtime } = this.#options;
    const told = Promise.all([...this.#tellings.values()].map((one) => one.idle()));
    let timer: Disposable | undefined;
    await Promise.race([
      told,
      new Promise<void>((resolve) => {
        timer = runtime.wakeAt(runtime.now() + millis, resolve);
      }),
    ]);
    timer?.[Symbol.dispose]();
    for (const controller of this.#underWay) controller.abort();
  }

  get #waiting(): number {
    let waiting = 0;
    for (const turns of Object.values(this.#turns)) waiting += turns.size;
    for (const tellings of this.#tellings.values()) waiting += tellings.size;
    return waiting;
  }

  #began(known: Known, record: RecordFormat | undefined): void {
    const { action, app, stream } = known.visitor;
    if (action !== "publish") return;
    const key = `${app}/${stream}`;
    this.#publishers.delete(key);
    this.#publishers.set(key, known);
    if (this.#publishers.size > PUBLISHERS_MAX) {
      const [oldest = ""] = this.#publishers.keys();
      this.#publishers.delete(oldest);
    }
    if (record === undefined) return;
    const begun = this.#recordings?.start({ key, app, stream }, { format: record }, "hook");
    if (typeof begun !== "string") return;
    this.#options.log.limited("error", "A stream is not recorded", { stream: key, reason: begun });
  }

  /** Who published the stream last; empty words where no client did, as with a pull. */
  #publisherOf(app: string, stream: string): Known {
    const known = this.#publishers.get(`${app}/${stream}`);
    return known ?? { id: "", visitor: { ...NOBODY, app, stream } };
  }

  #body(hook: string, known: Known, more: object = {}): string {
    return clientBody(this.#options.identity, hook, known, more);
  }

  #leaving(known: Known): Leaving {
    return {
      ended: () => {
        const hook = known.visitor.action === "publish" ? "on_unpublish" : "on_stop";
        this.#tell(hook, known, () => this.#body(hook, known));
      },
      closed: (traffic) =>
        this.#tell("on_close", known, () => closeBody(this.#options.identity, known, traffic)),
    };
  }

  /** Asks all URLs of a hook; a refusal is the first that does not say yes. */
  async #decide(
    hook: Deciding,
    known: Known,
    signal: AbortSignal,
  ): Promise<Refused | { readonly record: RecordFormat | undefined }> {
    const { config, log, metrics } = this.#options;
    const { address, token, pageUrl } = known.visitor;
    let record: RecordFormat | undefined;
    for (const url of config[`vhost.http_hooks.${hook}`]) {
      const body = this.#body(hook, known, { pageUrl, token });
      const answer = await this.#ask({ hook, url }, address, body, signal);
      if (answer === undefined) return undecided(hook);
      if (!answer.accepted) {
        metrics.count("monoport_hooks_total", `${hook}/refused`);
        log.event("A hook refused a client", { hook, client: known.id, address, why: answer.why });
        return { admitted: false, status: 403, reason: `The hook ${hook} refused` };
      }
      metrics.count("monoport_hooks_total", `${hook}/accepted`);
      record ??= answer.record;
    }
    return { record };
  }

  /** `undefined`: nobody knows. */
  async #ask(
    { hook, url }: { readonly hook: Deciding; readonly url: string },
    address: string,
    body: string,
    signal: AbortSignal,
  ): Promise<HookAnswer | undefined> {
    const turn = this.#closed
      ? undefined
      : await this.#turns[hook].take(addressKey(address), signal);
    if (turn === undefined) {
      const error = signal.aborted ? "no turn came in time" : "too many clients wait for it";
      this.#failed({ hook, url }, error);
      return undefined;
    }
    try {
      return await callHook(this.#options.fetch, url, body, signal);
    } catch (error) {
      if (!(error instanceof HookFailed)) throw error;
      this.#failed({ hook, url }, error.message);
      return undefined;
    } finally {
      turn[Symbol.dispose]();
    }
  }

  #tell(hook: Told, { id }: Known, body: () => string): void {
    const { config, metrics, log } = this.#options;
    for (const url of config[`vhost.http_hooks.${hook}`]) {
      let tellings = this.#tellings.get(url);
      if (tellings === undefined) {
        tellings = new Tellings((telling) => this.#send(url, telling));
        this.#tellings.set(url, tellings);
      }
      if (tellings.tell(id, { hook, body: body() })) continue;
      metrics.count("monoport_hooks_total", `${hook}/dropped`);
      log.limited("warn", "A hook is too slow: calls are dropped", { hook, url: shownUrl(url) });
    }
  }

  async #send(url: string, { hook, body }: Telling): Promise<void> {
    const deadline = this.#deadline();
    try {
      const { fetch, metrics } = this.#options;
      const answer = await callHook(fetch, url, body, deadline.controller.signal);
      if (answer.accepted) metrics.count("monoport_hooks_total", `${hook}/accepted`);
      else this.#failed({ hook, url }, answer.why);
    } catch (error) {
      this.#failed({ hook, url }, error instanceof Error ? error.message : String(error));
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  #failed({ hook, url }: { readonly hook: string; readonly url: string }, error: string): void {
    this.#options.metrics.count("monoport_hooks_total", `${hook}/failed`);
    this.#options.log.limited("warn", "A hook failed", { hook, url: shownUrl(url), error });
  }

  #deadline(): Disposable & { readonly controller: AbortController } {
    const { runtime, config } = this.#options;
    const controller = new AbortController();
    this.#underWay.add(controller);
    const at = runtime.now() + config["vhost.http_hooks.timeout"];
    const timer = runtime.wakeAt(at, () => controller.abort());
    return {
      controller,
      [Symbol.dispose]: () => {
        timer[Symbol.dispose]();
        this.#underWay.delete(controller);
      },
    };
  }
}

const TOO_LONG: Refused = {
  admitted: false,
  status: 403,
  reason: `A query, token or URL of more than ${WORDS_MAX} characters is not told to hooks`,
};

const TOO_OFTEN: Refused = {
  admitted: false,
  status: 429,
  reason: "Hooks are asked too often for this address (limits.requests_per_second)",
};

const NOBODY: Omit<Visitor, "app" | "stream"> = {
  action: "publish",
  token: "",
  address: "",
  param: "",
  tcUrl: "",
  pageUrl: "",
};

function undecided(hook: Deciding): Refused {
  const reason = `The hook ${hook} could not be asked: try again`;
  return { admitted: false, status: 503, reason };
}

/** A query may hold a secret. */
function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, "");
}
