import type { Millis } from "../base/mod.ts";
import { BandwidthEstimator } from "./bandwidth.ts";
import { DeliveryLog } from "./delivery_log.ts";
import type { HubLimits } from "./options.ts";
import { VirtualQueue } from "./virtual_queue.ts";

/** Queued bytes above so many times the bound: even the rest of a frame is cut. */
const CUT_FACTOR = 8;
/** Reports in datagrams get lost, too, several in a row now and then. */
const REPORT_PATIENCE_MILLIS = 1500;
/** Who names a bitrate (REMB) may be given so many times the bound more than that for a while. */
const AVERAGING_FACTOR = 4;
/** A viewer who falls behind again so soon waits longer before a keyframe is asked for him. */
const RELAPSE_MILLIS = 10_000;
const FIRST_WAIT_MILLIS = 250;
const MAX_WAIT_MILLIS = 1000;

/**
 * Decides what a slow viewer still gets: video while he is within the bounds, audio within wider
 * ones. Video is let through again once he is back under half the bound.
 *
 * Datagrams wait nowhere that we could see for long, so what his path takes is estimated. Beyond that
 * they wait here (`Pacer`), or where arrivals are not told, video goes as if they did. So he gets as
 * many whole groups of pictures as fit.
 * Over TCP what is under way tells it all; there only his own word (REMB) counts so.
 */
export class Gate {
  readonly log: DeliveryLog = new DeliveryLog();
  readonly bandwidth: BandwidthEstimator = new BandwidthEstimator();
  /** Whether video, and audio, may go. */
  video = true;
  audio = true;
  /** Whether so much is queued that not even a frame may be finished. */
  cut = false;
  /** How often the viewer fell behind. */
  falls = 0;
  /** Whether his path carries datagrams. */
  datagrams = false;
  /** Whether they are held back to what his path takes, and how long one sent now waits for that. */
  paced = false;
  waiting: Millis = 0;
  readonly #limits: HubLimits;
  readonly #queue = new VirtualQueue();
  #closedAt: Millis = 0;
  #openedAt: Millis = Number.NEGATIVE_INFINITY;
  #queued = 0;
  #drainedAt: Millis = 0;
  #wait: Millis = 0;

  constructor(limits: HubLimits) {
    this.#limits = limits;
  }

  /**
   * Notes what was sent at once: `transport`, `audio` and `video` are the highest numbers in it
   * (extended, -1 for none).
   */
  sent(
    bytes: number,
    packets: number,
    transport: number,
    audio: number,
    video: number,
    now: Millis,
  ): void {
    this.log.sent(bytes, packets, transport, audio, video, now);
    if (transport >= 0 && !this.paced) this.bandwidth.sent(transport, packets, bytes, now);
    const most = this.#limits.maxLagMillis * 2 * this.#averaging;
    this.#queue.add(bytes, this.#bitrate, most, now);
  }

  /** Looks at the viewer before a batch. `queued` is what our process holds for him, in bytes. */
  update(queued: number, now: Millis): void {
    const limits = this.#limits;
    if (queued < this.#queued) this.#drainedAt = now;
    this.#queued = queued;
    this.cut = queued > limits.maxQueuedBytes * CUT_FACTOR;
    const behind = this.behind(now);
    const worst = Math.max(behind, this.#virtual(now));
    if (this.video) {
      if (worst > limits.maxLagMillis || queued > limits.maxQueuedBytes) this.#close(now);
    } else if (worst < limits.maxLagMillis / 2 && queued < limits.maxQueuedBytes / 2) {
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
    if (!this.datagrams) return log.behind(now);
    // Each arrival is known, and when its report came back says little.
    if (!this.bandwidth.measures) return log.behind(now, REPORT_PATIENCE_MILLIS);
    // Where all has arrived nothing queues any more, and no further report will tell.
    const onPath = log.unreportedBytes > 0 ? this.bandwidth.queueMillis(now) : 0;
    const queue = onPath + this.waiting;
    return Math.max(queue, log.late(now, REPORT_PATIENCE_MILLIS));
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
    this.bandwidth.restart();
    this.#queue.clear();
    this.video = true;
    this.audio = true;
    this.cut = false;
    this.#queued = 0;
  }

  /** How far behind the viewer would be if what is beyond his bitrate waited, in ms. */
  #virtual(now: Millis): Millis {
    return this.#queue.millis(this.#bitrate, now) / this.#averaging;
  }

  /** What he asks for is an average over a while; nothing need wait anywhere. */
  get #averaging(): number {
    return this.#bitrate === this.bandwidth.requestedBitrate ? AVERAGING_FACTOR : 1;
  }

  /** What counts for the queue. */
  get #bitrate(): number {
    const { bandwidth } = this;
    const virtual = this.datagrams && !this.paced;
    return virtual ? bandwidth.estimatedBitrate : bandwidth.requestedBitrate;
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
