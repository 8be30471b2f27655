import type { CryptoProvider, Millis } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import type { ClientFacts } from "../facts.ts";
import type { Entered, Visit, Visitor, Visits } from "../hooks/mod.ts";
import { streamId } from "../rtc/stream_facts.ts";

/** Who has not asked for so long has left. */
export const VIEWER_IDLE_MILLIS: Millis = 10_000;
/** Viewers that are counted; more are served, and not counted. */
export const MAX_VIEWERS = 10_000;

interface Viewer {
  readonly id: string;
  readonly name: StreamName;
  readonly address: string;
  readonly since: Millis;
  seen: Millis;
  kicked: boolean;
  readonly visit: Visit | undefined;
}

const ADMITTED: Entered = { admitted: true, visit: undefined };
/** Nobody gets past the hooks because there is no room to remember him. */
const FULL: Entered = { admitted: false, status: 503, reason: "Too many viewers of HLS now" };

/**
 * Who reloads playlists, told apart by address and User-Agent: a session in the query would make every
 * viewer's URLs his own, and no cache could share them.
 */
export class HlsViewers {
  readonly #viewers = new Map<string, Viewer>();
  /** Those whom the hooks are being asked for. */
  readonly #entering = new Map<string, Promise<Entered>>();
  readonly #crypto: Pick<CryptoProvider, "random">;
  readonly #hooks: Visits | undefined;

  constructor(crypto: Pick<CryptoProvider, "random">, hooks?: Visits | undefined) {
    this.#crypto = crypto;
    this.#hooks = hooks;
  }

  get size(): number {
    return this.#viewers.size;
  }

  /** Asks hooks for who is not known yet; to be called before `see`. */
  async enter(name: StreamName, agent: string, visitor: Visitor, now: Millis): Promise<Entered> {
    const hooks = this.#hooks;
    const key = keyOf(name, visitor.address, agent);
    if (hooks === undefined || this.#viewers.has(key)) return ADMITTED;
    const asked = this.#entering.get(key);
    if (asked !== undefined) return await asked;
    if (this.#viewers.size >= MAX_VIEWERS) this.forgetIdle(now);
    if (this.#viewers.size + this.#entering.size >= MAX_VIEWERS) return FULL;
    const entering = hooks.enter(visitor);
    this.#entering.set(key, entering);
    try {
      const entered = await entering;
      if (entered.admitted) this.#add(key, name, visitor.address, now, entered.visit);
      return entered;
    } finally {
      this.#entering.delete(key);
    }
  }

  /** Notes a request for a playlist; `false` when that viewer was kicked. */
  see(name: StreamName, address: string, agent: string, now: Millis): boolean {
    const key = keyOf(name, address, agent);
    const known = this.#viewers.get(key);
    if (known !== undefined) {
      // One who was kicked stays out as long as he keeps asking.
      known.seen = now;
      return !known.kicked;
    }
    if (this.#viewers.size >= MAX_VIEWERS) this.forgetIdle(now);
    if (this.#viewers.size >= MAX_VIEWERS) return true;
    this.#add(key, name, address, now, undefined);
    return true;
  }

  forgetIdle(now: Millis): void {
    for (const [key, { seen, visit }] of this.#viewers) {
      if (now - seen <= VIEWER_IDLE_MILLIS) continue;
      this.#viewers.delete(key);
      visit?.left(UNKNOWN);
    }
  }

  close(): void {
    this.forgetIdle(Number.POSITIVE_INFINITY);
  }

  #add(
    key: string,
    name: StreamName,
    address: string,
    now: Millis,
    visit: Visit | undefined,
  ): void {
    const id = visit?.id ?? [...this.#crypto.random(6)].map((byte) => byte.toString(36)).join("");
    this.#viewers.set(key, { id, name, address, since: now, seen: now, kicked: false, visit });
    visit?.began();
  }

  count(now: Millis): number {
    this.forgetIdle(now);
    return this.#viewers.size;
  }

  clients(now: Millis): ClientFacts[] {
    this.forgetIdle(now);
    return [...this.#viewers.values()]
      .filter(({ kicked }) => !kicked)
      .map((one) => facts(one, now));
  }

  kick(id: string): boolean {
    for (const viewer of this.#viewers.values()) {
      if (viewer.id !== id || viewer.kicked) continue;
      viewer.kicked = true;
      return true;
    }
    return false;
  }
}

/** Segments may come from a cache. */
const UNKNOWN = { sentBytes: 0, receivedBytes: 0 };

function keyOf({ key }: StreamName, address: string, agent: string): string {
  return `${key} ${address} ${agent.slice(0, 200)}`;
}

function facts({ id, name, address, since }: Viewer, now: Millis): ClientFacts {
  return {
    id,
    streamId: streamId(name.key),
    app: name.app,
    name: name.stream,
    address,
    type: "hls-play",
    alive: (now - since) / 1000,
    ...UNKNOWN,
    sentKbps: 0,
    receivedKbps: 0,
    transport: "tcp",
    mapped: undefined,
    trouble: "",
    droppedFrames: 0,
  };
}
