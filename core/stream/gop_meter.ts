import type { Millis } from "../base/mod.ts";

/** A group of pictures, from one keyframe to the next. */
export interface GopFigures {
  readonly millis: Millis;
  readonly frames: number;
}

/** Pictures seen out of the order they are shown in say so much longer that there are B-frames. */
const REORDERED_MILLIS: Millis = 10_000;

/**
 * How far apart keyframes are, and whether pictures are sent in another order than they are shown.
 * Looks at nothing but numbers.
 */
export class GopMeter {
  /** Of the last whole group; 0 frames until there was one. */
  millis: Millis = 0;
  frames = 0;
  /** When the last keyframe came, -1 for never. */
  keyframeAt: Millis = -1;
  #millis: Millis = 0;
  #frames = 0;
  #open = false;
  #reorderedAt: Millis = Number.NEGATIVE_INFINITY;

  /**
   * A keyframe came at `now`, shown at `millis` on any clock that goes on; `frames` counts those of
   * the track so far.
   */
  keyframe(millis: Millis, frames: number, now: Millis): void {
    if (this.#open && frames > this.#frames) {
      this.millis = millis - this.#millis;
      this.frames = frames - this.#frames;
    }
    this.#open = true;
    this.#millis = millis;
    this.#frames = frames;
    this.keyframeAt = now;
  }

  /** A picture came behind one that is shown later. */
  reordered(now: Millis): void {
    this.#reorderedAt = now;
  }

  /** Another source: what was measured says nothing of it. */
  reset(): void {
    this.millis = 0;
    this.frames = 0;
    this.keyframeAt = -1;
    this.#open = false;
    this.#reorderedAt = Number.NEGATIVE_INFINITY;
  }

  /** The last whole group; `undefined` until there was one. */
  get last(): GopFigures | undefined {
    return this.frames === 0 ? undefined : { millis: this.millis, frames: this.frames };
  }

  bFrames(now: Millis): boolean {
    return now - this.#reorderedAt < REORDERED_MILLIS;
  }
}
