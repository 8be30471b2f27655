import { type Millis, NEVER } from "../base/mod.ts";
import type { HubLimits } from "./options.ts";

/** Many viewers' wishes for a keyframe as few requests to the publisher. */
export class KeyframeRequests {
  readonly #limits: HubLimits;
  #askedAt: Millis = Number.NEGATIVE_INFINITY;
  #due: Millis = NEVER;
  /** Whether one was asked for and has not come. */
  #awaiting = false;

  constructor(limits: HubLimits) {
    this.#limits = limits;
  }

  /** Somebody needs a keyframe. */
  want(now: Millis): void {
    this.#due = Math.min(
      this.#due,
      Math.max(now, this.#askedAt + this.#limits.keyframeRequestMillis),
    );
  }

  /** Somebody still waits, and may have been asked for already. */
  stillWanted(now: Millis): void {
    if (this.#due !== NEVER) return;
    const { keyframePatienceMillis, keyframeRequestMillis } = this.#limits;
    const pause = this.#awaiting ? keyframePatienceMillis : keyframeRequestMillis;
    this.#due = Math.max(now, this.#askedAt + pause);
  }

  /** A keyframe came: what was wanted before is fulfilled. */
  keyframe(): void {
    this.#awaiting = false;
    this.#due = NEVER;
  }

  /** Whether to ask the publisher now. */
  ask(now: Millis): boolean {
    if (now < this.#due) return false;
    this.#askedAt = now;
    this.#due = NEVER;
    this.#awaiting = true;
    return true;
  }

  get due(): Millis {
    return this.#due;
  }
}
