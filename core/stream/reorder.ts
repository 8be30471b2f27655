import type { Millis } from "../base/mod.ts";
import type { StreamPacket } from "./packet.ts";

/** How long a missing packet is waited for: a retransmission or two. */
export const REORDER_MILLIS: Millis = 400;
/** Packets kept while one is missing. */
export const REORDER_PACKETS = 1024;

/** Takes the packets of one track in order of index. `afterGap` tells that some before are lost. */
export type OrderedPackets = (packet: StreamPacket, afterGap: boolean) => void;

/**
 * Puts packets in order and waits a while for those that are missing. Over TCP nothing ever waits.
 */
export class Reorder {
  readonly #out: OrderedPackets;
  readonly #held = new Map<number, StreamPacket>();
  #next = -1;
  /** Since when the packet with index `#next` is missing. */
  #missingSince: Millis = 0;

  constructor(out: OrderedPackets) {
    this.#out = out;
  }

  /** Forgets everything: what comes next begins anew. */
  restart(): void {
    this.#held.clear();
    this.#next = -1;
  }

  put(packet: StreamPacket, now: Millis): void {
    const { index } = packet;
    if (this.#next < 0) this.#next = index;
    if (index < this.#next) return; // too late, or twice
    if (index > this.#next) {
      if (this.#held.size === 0) this.#missingSince = now;
      this.#held.set(index, packet);
      if (this.#held.size > REORDER_PACKETS) this.#skip(now);
      return;
    }
    this.#next++;
    this.#out(packet, false);
    this.#release(now);
  }

  /** Gives up on packets that are missing for too long. */
  handleTimeout(now: Millis): void {
    while (this.#held.size > 0 && now - this.#missingSince >= REORDER_MILLIS) this.#skip(now);
  }

  /** When `handleTimeout` has something to give up. */
  nextTimeout(): Millis {
    return this.#held.size > 0 ? this.#missingSince + REORDER_MILLIS : Number.POSITIVE_INFINITY;
  }

  #release(now: Millis): void {
    for (let packet = this.#held.get(this.#next); packet; packet = this.#held.get(this.#next)) {
      this.#held.delete(this.#next);
      this.#next++;
      this.#out(packet, false);
    }
    this.#missingSince = now;
  }

  /** Goes on with the lowest index there is. */
  #skip(now: Millis): void {
    let lowest: StreamPacket | undefined;
    for (const packet of this.#held.values()) {
      if (lowest === undefined || packet.index < lowest.index) lowest = packet;
    }
    if (lowest === undefined) return;
    this.#held.delete(lowest.index);
    this.#next = lowest.index + 1;
    this.#out(lowest, true);
    this.#release(now);
  }
}
