import type { Millis } from "../base/mod.ts";

/** Where a track's own numbering begins. */
const FIRST_INDEX = 0x1_0000;
/**
 * Indexes left free in front of a source's first packet, for those it overtook. Viewers see no gap.
 */
const ROOM = 64;
/** A new source's first timestamp is at least so far from the old one's last. */
const LEAST_STEP_MILLIS = 20;

/**
 * One numbering for all sources of a track: the extended index goes on where the last source left
 * it; timestamps go on by the wall time between, so that a player neither stalls nor rushes.
 */
export class Timeline {
  /** Added to the source's extended index. */
  indexOffset = 0;
  /** Added to the source's timestamp, modulo 2^32. */
  timestampOffset = 0;
  /** Lowest index of the current source: what is below belongs to the one before. */
  lowest = 0;
  /** Highest index so far, -1 before the first packet. */
  highest = -1;
  /** Timestamp of the packet with the highest index. */
  timestamp = 0;
  /** When it came. */
  at: Millis = 0;

  /** The next packet is the first of another source. */
  restart(sourceIndex: number, sourceTimestamp: number, now: Millis, clockRate: number): void {
    if (this.highest < 0) {
      this.indexOffset = FIRST_INDEX - sourceIndex;
      this.timestampOffset = 0;
      return;
    }
    const passed = Math.max(LEAST_STEP_MILLIS, now - this.at);
    const next = this.timestamp + Math.round((passed * clockRate) / 1000);
    this.lowest = this.highest + 1;
    this.indexOffset = this.lowest + ROOM - sourceIndex;
    this.timestampOffset = (next - sourceTimestamp) >>> 0;
  }

  /** Notes a packet in the track's numbering; tells whether it is the newest. */
  advance(index: number, timestamp: number, now: Millis): boolean {
    if (index <= this.highest) return false;
    this.highest = index;
    this.timestamp = timestamp;
    this.at = now;
    return true;
  }

  /** The track's timestamp for one of the current source. */
  timestampOf(sourceTimestamp: number): number {
    return (sourceTimestamp + this.timestampOffset) >>> 0;
  }

  /** Whether `timestamp` is not the newest packet's. */
  isOther(timestamp: number): boolean {
    return this.highest < 0 || timestamp !== this.timestamp;
  }
}
