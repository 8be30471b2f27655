import type { Millis } from "../../base/mod.ts";

/** Times of a track that go on by so much more, or less, than was waited for them have jumped. */
export const JUMP_MILLIS: Millis = 5000;

interface Last {
  /** As it was sent, 32 bits. */
  readonly timestamp: number;
  /** The same without wraps. */
  readonly unwrapped: number;
  /** Added to that. */
  readonly shift: number;
  /** What was made of it, and when it came. */
  readonly at: Millis;
  readonly wall: Millis;
}

/**
 * A publisher's timestamps (32 bits of ms, RTMP 1.0 §5.3.1) as ms of our wall clock: from when the first one came,
 * through wraps, and over jumps of the encoder's clock, which sound and picture make at different
 * messages and keep in step.
 */
export class PublisherClock {
  readonly #last: { audio: Last | undefined; video: Last | undefined } = {
    audio: undefined,
    video: undefined,
  };
  readonly #notBefore: Millis;
  #shift = 0;

  /** The first time is the wall clock's, or `notBefore` if that is later. */
  constructor(notBefore: Millis = 0) {
    this.#notBefore = notBefore;
  }

  /** `wall` is when the message came. Whole ms; goes back within a track if the timestamps do, by less than a jump. */
  at(kind: "audio" | "video", timestamp: number, wall: Millis): Millis {
    const other = this.#last[kind === "audio" ? "video" : "audio"];
    const before = this.#last[kind] ?? other;
    if (before === undefined) {
      this.#shift = Math.round(Math.max(wall, this.#notBefore)) - timestamp;
    }
    const unwrapped =
      before === undefined ? timestamp : before.unwrapped + ((timestamp - before.timestamp) << 0);
    const shift =
      before === undefined ? this.#shift : this.#shiftOf(unwrapped, before, other, wall);
    const at = unwrapped + shift;
    this.#last[kind] = { timestamp, unwrapped, shift, at, wall };
    return at;
  }

  /** What brings `unwrapped` to where it is to be. */
  #shiftOf(unwrapped: number, before: Last, other: Last | undefined, wall: Millis): number {
    const due = before.at + Math.max(0, wall - before.wall);
    for (const shift of [before.shift, this.#shift]) {
      const at = unwrapped + shift;
      const near = (time: Millis | undefined): boolean =>
        time !== undefined && Math.abs(at - time) <= JUMP_MILLIS;
      // Times that do not keep up with the clock, or run in front of it, are no jump as long as they go on.
      if (near(due) || near(before.at) || near(other?.at)) return shift;
    }
    this.#shift = Math.round(due) - unwrapped;
    return this.#shift;
  }
}
