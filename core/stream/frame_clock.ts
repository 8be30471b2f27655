import type { Millis } from "../base/mod.ts";
import type { Track } from "./track.ts";

/**
 * How fast times are brought from where arrival put them to where they belong, in ms per ms of the
 * track: sound so slowly that nobody hears it and that a transcoder, which stretches by 0.1 %, keeps up
 * without a click; pictures so fast that they are with the sound in a
 * moment, and the faster the farther they are off. Time always goes on.
 */
const AUDIO_SLEW = 0.0008;
const VIDEO_SLEW = 0.1;
const VIDEO_SLEW_MAX = 0.5;
/** So far off pictures are brought back at the rate of 1, if the bounds let them. */
const SLEW_MILLIS: Millis = 1000;
/**
 * A frame that is farther from its arrival has a timestamp that jumped: it is taken to belong where it came. Muxers
 * cut by these times, and would keep all that comes until a time in the far future is there.
 */
export const FAR_MILLIS: Millis = 30_000;

/**
 * A track's RTP timestamps as milliseconds on a timeline all tracks of a stream share: the hub's wall
 * clock. By arrival until the sender has reported on every track, by his reports from then on (RFC
 * 3550 §6.4.1), gone over to without a jump.
 *
 * The arrival that counts is that of the packet which took least time: a first keyframe is long on
 * its way, and the sound beside it is not.
 */
export class FrameClock {
  readonly #track: Track;
  /** The sound's clock, which pictures go with. */
  readonly #master: FrameClock | undefined;
  /** When the first frame came. */
  #base: Millis | undefined;
  /** The last timestamp, and the milliseconds from the first to it. */
  #last = 0;
  #elapsed: Millis = 0;
  /** What frames came earlier than the first one lets expect, at most; 0 or less. */
  #early: Millis = 0;
  /** Whether reports have told the time since the start. */
  #reported = false;
  /** Added to be where arrival or the sender's reports want it. */
  #correction: Millis = 0;
  /** How far the correction is from there. */
  error: Millis = 0;

  constructor(track: Track, master?: FrameClock) {
    this.#track = track;
    this.#master = master;
  }

  restart(): void {
    this.#base = undefined;
    this.#correction = 0;
    this.error = 0;
  }

  /**
   * When the frame of `timestamp` belongs. `wall` is our wall clock at its arrival; `bySender` tells
   * that all tracks have a report.
   */
  at(timestamp: number, rate: number, wall: Millis, bySender: boolean): Millis {
    if (this.#base === undefined) this.#start(timestamp, rate, wall, bySender);
    const step = (((timestamp - this.#last) << 0) * 1000) / rate;
    this.#elapsed += step;
    this.#last = timestamp;
    const plain = (this.#base ?? wall) + this.#elapsed;
    this.#follow(this.#wanted(timestamp, rate, plain, wall, bySender), step);
    const at = plain + this.#correction;
    if (Math.abs(at - wall) <= FAR_MILLIS) return at;
    this.#base = wall;
    this.#elapsed = 0;
    this.#early = 0;
    this.#correction = 0;
    return wall;
  }

  #start(timestamp: number, rate: number, wall: Millis, bySender: boolean): void {
    this.#base = wall;
    this.#last = timestamp;
    this.#elapsed = 0;
    this.#early = 0;
    this.#reported = false;
    this.#correction = this.#wanted(timestamp, rate, wall, wall, bySender) ?? 0;
  }

  /** The correction that the sender's last report, or arrival, asks for; `undefined` when neither tells. */
  #wanted(
    timestamp: number,
    rate: number,
    plain: Millis,
    wall: Millis,
    bySender: boolean,
  ): Millis | undefined {
    const { clock } = this.#track;
    const withSound = this.#master?.error ?? 0;
    if (bySender && clock.at !== undefined) {
      this.#reported = true;
      const since = (((timestamp - clock.timestamp) << 0) * 1000) / rate;
      return clock.at + since - plain + withSound;
    }
    if (this.#reported) return undefined;
    this.#early = Math.min(this.#early, wall - plain);
    return this.#early + withSound;
  }

  /** `step` is how much time of the track has passed. */
  #follow(wanted: Millis | undefined, step: Millis): void {
    if (wanted === undefined) return;
    const off = Math.abs(wanted - this.#correction);
    const slew =
      this.#master === undefined
        ? AUDIO_SLEW
        : Math.min(VIDEO_SLEW_MAX, Math.max(VIDEO_SLEW, off / SLEW_MILLIS));
    const most = Math.min(off, Math.max(0, step) * slew);
    this.#correction += Math.sign(wanted - this.#correction) * most;
    this.error = this.#correction - wanted;
  }
}
