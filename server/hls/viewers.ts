import type { CryptoProvider, Millis } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import type { ClientFacts } from "../facts.ts";
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
}

/**
 * Who reloads playlists, told apart by address and User-Agent: a session in the query would make every
 * viewer's URLs his own, and no cache could share them.
 */
export class HlsViewers {
  readonly #viewers = new Map<string, Viewer>();
  readonly #crypto: Pick<CryptoProvider, "random">;

  constructor(crypto: Pick<CryptoProvider, "random">) {
    this.#crypto = crypto;
  }

  /** Notes a request for a playlist; `false` when that viewer was kicked. */
  see(name: StreamName, address: string, agent: string, now: Millis): boolean {
    const key = `${name.key} ${address} ${agent.slice(0, 200)}`;
    const known = this.#viewers.get(key);
    if (known !== undefined) {
      // One who was kicked stays out as long as he keeps asking.
      known.seen = now;
      return !known.kicked;
    }
    if (this.#viewers.size >= MAX_VIEWERS) this.forgetIdle(now);
    if (this.#viewers.size >= MAX_VIEWERS) return true;
    const id = [...this.#crypto.random(6)].map((byte) => byte.toString(36)).join("");
    this.#viewers.set(key, { id, name, address, since: now, seen: now, kicked: false });
    return true;
  }

  forgetIdle(now: Millis): void {
    for (const [key, { seen }] of this.#viewers) {
      if (now - seen > VIEWER_IDLE_MILLIS) this.#viewers.delete(key);
    }
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

function facts({ id, name, address, since }: Viewer, now: Millis): ClientFacts {
  return {
    id,
    streamId: streamId(name.key),
    app: name.app,
    name: name.stream,
    address,
    type: "hls-play",
    alive: (now - since) / 1000,
    sentBytes: 0, // segments may come from a cache
    receivedBytes: 0,
    sentKbps: 0,
    receivedKbps: 0,
    transport: "tcp",
    mapped: undefined,
    trouble: "",
    droppedFrames: 0,
  };
}
