/**
 * All sessions, whatever they go by: WebRTC, publishers by RTMP, viewers by FLV, transport streams and
 * RTMP. Viewers of HLS are requests, and have none.
 *
 * @module
 */
import type { LimitsConfig } from "../config/limits.ts";
import { addressKey } from "./address_key.ts";

export type SessionLimits = Pick<
  LimitsConfig,
  "limits.sessions" | "limits.sessions_per_address" | "limits.streams_per_address"
>;

/** Why there is no room for one more; `message` is for people, and names the setting. */
export interface SessionsRefusal {
  readonly status: 429 | 503;
  readonly message: string;
}

interface OfAddress {
  sessions: number;
  /** By stream. */
  readonly streams: Map<string, number>;
}

/** Its tables have no more entries than there are sessions. */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #byAddress = new Map<string, OfAddress>();
  /** By stream, who plays it or waits for it: addresses, and how many sessions of each. */
  readonly #watching = new Map<string, Map<string, number>>();
  #size = 0;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** Why `address` gets no session for `stream` (`app/stream`); `undefined` when it does. */
  refusal(address: string, stream: string): SessionsRefusal | undefined {
    const limits = this.#limits;
    if (this.#size >= limits["limits.sessions"]) {
      return { status: 503, message: "Too many sessions (limits.sessions)" };
    }
    const own = this.#byAddress.get(addressKey(address));
    if (own === undefined) return undefined;
    if (own.sessions >= limits["limits.sessions_per_address"]) {
      return tooMany("sessions of this address (limits.sessions_per_address)");
    }
    const streams = own.streams.size + (own.streams.has(stream) ? 0 : 1);
    if (streams > limits["limits.streams_per_address"]) {
      return tooMany("streams of this address (limits.streams_per_address)");
    }
    return undefined;
  }

  /** Addresses that play a stream or wait for it, each once. */
  watching(stream: string): Iterable<string> {
    return this.#watching.get(stream)?.keys() ?? [];
  }

  /** A session, until it is disposed of. */
  begin(address: string, stream: string, action: "publish" | "play"): Disposable {
    const key = addressKey(address);
    const own = this.#byAddress.get(key) ?? { sessions: 0, streams: new Map<string, number>() };
    this.#byAddress.set(key, own);
    own.sessions++;
    own.streams.set(stream, (own.streams.get(stream) ?? 0) + 1);
    this.#size++;
    if (action === "play") this.#watch(stream, address, 1);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#end(key, own, stream);
        if (action === "play") this.#watch(stream, address, -1);
      },
    };
  }

  #watch(stream: string, address: string, more: 1 | -1): void {
    const watching = this.#watching.get(stream) ?? new Map<string, number>();
    const count = (watching.get(address) ?? 0) + more;
    if (count > 0) watching.set(address, count);
    else watching.delete(address);
    if (watching.size > 0) this.#watching.set(stream, watching);
    else this.#watching.delete(stream);
  }

  #end(key: string, own: OfAddress, stream: string): void {
    this.#size--;
    own.sessions--;
    const left = (own.streams.get(stream) ?? 1) - 1;
    if (left > 0) own.streams.set(stream, left);
    else own.streams.delete(stream);
    if (own.sessions === 0) this.#byAddress.delete(key);
  }
}

function tooMany(what: string): SessionsRefusal {
  return { status: 429, message: `Too many ${what}` };
}
