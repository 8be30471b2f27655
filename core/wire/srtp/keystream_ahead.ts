/**
 * Keystream made ahead: it depends on key, SSRC and index alone (RFC 3711 §4.1), and one encryption
 * for many packets costs a fraction of many.
 *
 * @module
 */
import type { SrtpLanes } from "../../base/mod.ts";
import type { LaneKeys } from "./transform.ts";

/** Packets made ahead at most. */
export const AHEAD_PACKETS = 32;
/** Blocks of the longest packet it is made ahead for; a longer one gets its own. */
export const AHEAD_BLOCKS = 80;

/**
 * What is made ahead for one SSRC of one viewer. His slot has two halves, so that what a batch refers to
 * stays while more is made.
 */
export class KeystreamAhead {
  readonly #lanes: SrtpLanes;
  readonly #ssrc: number;
  #slot = -1;
  /** Offset of the half that was made last, and of what it has: the first index, packets, blocks for each. */
  #at = 0;
  #from = -1;
  #count = 0;
  #blocks = 0;
  /** Number of the batch that last used each half. */
  #used = -1;
  #otherUsed = -1;
  /** Packets of the next making: at first less for some, so that not all viewers need more in one batch. */
  #next: number;
  /** The most blocks that a packet took since the last. */
  #most = 0;

  constructor(lanes: SrtpLanes, ssrc: number, sender: number) {
    this.#lanes = lanes;
    this.#ssrc = ssrc;
    this.#next = 1 + (sender % AHEAD_PACKETS);
  }

  /** Offset in `keystream` of `blocks` blocks for the packet `index`; -1 when they must be made. */
  find(index: number, blocks: number, batch: number): number {
    const offset = index - this.#from;
    if (offset < 0 || offset >= this.#count || blocks > this.#blocks) return -1;
    if (blocks > this.#most) this.#most = blocks;
    this.#used = batch;
    return this.#at + offset * this.#blocks * 16;
  }

  /**
   * Makes it for packets from `index` on, by counter blocks at `scratch`; returns what `find` would. -1
   * for a packet that is too long or came late, for want of a slot, and when both halves are in use.
   */
  make(keys: LaneKeys, index: number, blocks: number, batch: number, scratch: number): number {
    if (blocks > AHEAD_BLOCKS || index < this.#from || this.#otherUsed === batch) return -1;
    const lanes = this.#lanes;
    if (this.#slot < 0) {
      this.#slot = lanes.takeSlot();
      if (this.#slot < 0) return -1;
    }
    const half = lanes.slotBytes >> 1;
    const each = Math.max(blocks, this.#most, 1);
    const count = Math.min(this.#next, Math.floor(half / (each * 16)));
    this.#at = this.#at === this.#slot ? this.#slot + half : this.#slot;
    lanes.count(scratch, keys.salt, this.#ssrc, index, count, each);
    keys.ecb.encryptInto(lanes.counters(scratch, count * each * 16), lanes.keystream, this.#at);
    this.#otherUsed = this.#used;
    this.#used = batch;
    this.#from = index;
    this.#count = count;
    this.#blocks = each;
    this.#next = AHEAD_PACKETS;
    this.#most = blocks;
    return this.#at;
  }

  /** Gives the slot back. */
  end(): void {
    if (this.#slot >= 0) this.#lanes.giveSlot(this.#slot);
    this.#slot = -1;
    this.#from = -1;
    this.#count = 0;
  }
}
