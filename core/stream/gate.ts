import type { Millis } from "../base/mod.ts";
import { DeliveryLog } from "./delivery_log.ts";
import type { HubLimits } from "./options.ts";

/** Queued bytes above so many times the bound: even the rest of a frame is cut. */
const CUT_FACTOR = 8;
/** A viewer who falls behind again so soon waits longer before a keyframe is asked for him. */
const RELAPSE_MILLIS = 10_000;
const FIRST_WAIT_MILLIS = 250;
const MAX_WAIT_MILLIS = 1000;

/**
 * Decides what a slow viewer still gets: video while he is within the bounds, audio within wider
 * ones. Video is let through again once he is back under half the bound.
 */
export class Gate {
  readonly log: DeliveryLog = new DeliveryLog();
  /** Whether video, and audio, may go. */
  video = true;
  audio = true;
  /** Whether so much is queued that not even a frame may be finished. */
  cut = false;
  /** How often the viewer fell behind. */
  falls = 0;
  readonly #limits: HubLimits;
  #closedAt: Millis = 0;
  #openedAt: Millis = Number.NEGATIVE_INFINITY;
  #queued = 0;
  #drainedAt: Millis = 0;
  #wait: Millis = 0;

  constructor(limits: HubLimits) {
    this.#limits = limits;
  }

  /** Looks at the viewer before a batch. `queued` is what our process holds for him, in bytes. */
  update(queued: number, now: Millis): void {
    const limits = this.#limits;
    if (queued < this.#queued) this.#drainedAt = now;
    this.#queued = queued;
    this.cut = queued > limits.maxQueuedBytes * CUT_FACTOR;
    const behind = this.behind(now);
    if (this.video) {
      if (behind > limits.maxLagMillis || queued > limits.maxQueuedBytes) this.#close(now);
    } else if (behind < limits.maxLagMillis / 2 && queued < limits.maxQueuedBytes / 2) {
      this.video = true;
      this.#openedAt = now;
    }
    if (this.audio) {
      this.audio = behind <= limits.maxAudioLagMillis && queued <= limits.maxQueuedBytes * 2;
    } else {
      this.audio = behind < limits.maxAudioLagMillis / 2 && queued < limits.maxQueuedBytes;
    }
  }

  /**
   * How far behind the viewer is, in ms; infinite when he has never reported and much is under way.
   */
  behind(now: Millis): Millis {
    const { log } = this;
    if (!log.reported && log.unreportedBytes > this.#limits.maxUnreportedBytes) {
      return Number.POSITIVE_INFINITY;
    }
    return log.behind(now);
  }

  /**
   * When a keyframe may be asked for a viewer whose gate opened again: later for one who relapses.
   */
  get askAt(): Millis {
    return this.#openedAt + this.#wait;
  }

  /** Whether the viewer is behind and has made no progress for too long. */
  isStalled(now: Millis): boolean {
    if (this.video) return false;
    const since = Math.max(this.#closedAt, this.log.progressAt, this.#drainedAt);
    return now - since >= this.#limits.stalledMillis;
  }

  /** The viewer's path changed. */
  restart(now: Millis): void {
    this.log.restart(now);
    this.video = true;
    this.audio = true;
    this.cut = false;
    this.#queued = 0;
  }

  #close(now: Millis): void {
    this.video = false;
    this.falls++;
    this.#closedAt = now;
    const relapse = now - this.#openedAt < RELAPSE_MILLIS;
    if (!relapse) this.#wait = 0;
    else this.#wait = Math.min(MAX_WAIT_MILLIS, Math.max(FIRST_WAIT_MILLIS, this.#wait * 2));
  }
}
