import type { CryptoProvider, Millis } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import type { ClientFacts } from "../facts.ts";
import type { Entered, Visit, Visitor, Visits } from "../hooks/mod.ts";
import { addressKey } from "../limits/address_key.ts";
import { Quota } from "../limits/quota.ts";
import { streamId } from "../rtc/stream_facts.ts";

/** Who has not asked for so long has left. */
export const VIEWER_IDLE_MILLIS: Millis = 10_000;
/** Viewers that are counted; more are served, and not counted. */
export const MAX_VIEWERS = 10_000;
/** Of those whom hooks let in, of one address: others must find room, too. */
export const MAX_VIEWERS_PER_ADDRESS = 2000;
/** Of a query, as far as viewers are told apart by it. */
const QUERY_MAX_CHARACTERS = 4096;

/** Of somebody who asks for a playlist. */
export type Seen = Pick<Visitor, "address" | "token" | "param">;

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
 * viewer's URLs his own, and no cache could share them. Where hooks decide, by what they decide on, too: who
 * has no secret does not come in behind one who has, out of the same network with the same browser.
 */
export class HlsViewers {
  readonly #viewers = new Map<string, Viewer>();
  /** Those whom the hooks are being asked for. */
  readonly #entering = new Map<string, Promise<Entered>>();
  readonly #crypto: Pick<CryptoProvider, "random">;
  readonly #hooks: Visits | undefined;
  /** Whom hooks let in, or are asked for. */
  readonly #admitted = new Quota({ total: MAX_VIEWERS, perAddress: MAX_VIEWERS_PER_ADDRESS });

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
    const key = this.#keyOf(name, agent, visitor);
    if (hooks === undefined || this.#viewers.has(key)) return ADMITTED;
    const asked = this.#entering.get(key);
    if (asked !== undefined) return await asked;
    if (this.#viewers.size >= MAX_VIEWERS) this.forgetIdle(now);
    const address = addressKey(visitor.address);
    if (this.#viewers.size + this.#entering.size >= MAX_VIEWERS) return FULL;
    if (this.#admitted.take(address) !== undefined) return FULL;
    const entering = hooks.enter(visitor);
    this.#entering.set(key, entering);
    let entered: Entered | undefined;
    try {
      entered = await entering;
      if (entered.admitted) this.#add(key, name, visitor.address, now, entered.visit);
      return entered;
    } finally {
      this.#entering.delete(key);
      if (entered?.admitted !== true) this.#admitted.give(address);
    }
  }

  /** Notes a request for a playlist; `false` when that viewer was kicked. */
  see(name: StreamName, agent: string, visitor: Seen, now: Millis): boolean {
    const { address } = visitor;
    const key = this.#keyOf(name, agent, visitor);
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
    for (const [key, { seen, visit, address }] of this.#viewers) {
      if (now - seen <= VIEWER_IDLE_MILLIS) continue;
      this.#viewers.delete(key);
      if (visit !== undefined) this.#admitted.give(addressKey(address));
      visit?.left(UNKNOWN);
    }
  }

  close(): void {
    this.forgetIdle(Number.POSITIVE_INFINITY);
  }

  #keyOf({ key }: StreamName, agent: string, { address, token, param }: Seen): string {
    const plainly = `${key} ${address} ${agent.slice(0, 200)}`;
    return this.#hooks === undefined ? plainly : `${plainly} ${token} ${plain(param)}`;
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

/** As jQuery and others write it, to get past caches; it says nothing of who asks. */
const CACHE_BUSTER = /^\d{1,20}$/;

/** Without what says which playlist is meant or when it was asked for, and spelt as playlists spell it. */
function plain(query: string): string {
  const kept = new URLSearchParams(query.slice(0, QUERY_MAX_CHARACTERS));
  for (const name of [...kept.keys()]) if (name.startsWith("_HLS_")) kept.delete(name);
  if (kept.getAll("_").every((value) => CACHE_BUSTER.test(value))) kept.delete("_");
  return `${kept}`;
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
