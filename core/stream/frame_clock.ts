import type { Millis } from "../base/mod.ts";
import type { Track } from "./track.ts";

/**
 * How fast times are brought from where arrival put them to where sender reports say, in ms per ms:
 * sound so slowly that nobody hears it, pictures so fast that they are with the sound in a moment.
 */
const AUDIO_SLEW = 0.005;
const VIDEO_SLEW = 0.1;
/** A clock that is off by more was set anew. */
const STEP_MILLIS: Millis = 2000;
/**
 * A frame that is farther from its arrival has a timestamp that jumped: it is taken to belong where it came. Muxers
 * cut by these times, and would keep all that comes until a time in the far future is there.
 */
export const FAR_MILLIS: Millis = 30_000;

/**
 * A track's RTP timestamps as milliseconds on a timeline all tracks of a stream share: the hub's wall
 * clock. By arrival until the sender has reported on every track, by his reports from then on (RFC
 * 3550 §6.4.1), gone over to without a jump.
 */
export class FrameClock {
  readonly #track: Track;
  /** The sound's clock, which pictures go with. */
  readonly #master: FrameClock | undefined;
  /** When the first frame came. */
  #base: Millis | undefined;
  /** The last timestamp, and the seconds from the first to it. */
  #last = 0;
  #elapsed = 0;
  /** Added to follow the sender's reports. */
  #correction = 0;
  #correctedAt: Millis = 0;
  /** How far the correction is from where reports want it. */
  error = 0;

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
    if (this.#base === undefined) {
      this.#base = wall;
      this.#last = timestamp;
      this.#elapsed = 0;
      this.#correctedAt = wall;
      this.#correction = this.#wanted(timestamp, rate, wall, bySender) ?? 0;
    }
    this.#elapsed += ((timestamp - this.#last) << 0) / rate;
    this.#last = timestamp;
    const plain = this.#base + this.#elapsed * 1000;
    this.#follow(this.#wanted(timestamp, rate, plain, bySender), wall);
    const at = plain + this.#correction;
    if (Math.abs(at - wall) <= FAR_MILLIS) return at;
    this.#base = wall;
    this.#elapsed = 0;
    this.#correction = 0;
    return wall;
  }

  /** The correction that the sender's last report asks for. */
  #wanted(timestamp: number, rate: number, plain: Millis, bySender: boolean): number | undefined {
    const { clock } = this.#track;
    if (!bySender || clock.at === undefined) return undefined;
    const since = ((timestamp - clock.timestamp) << 0) / rate;
    return clock.at + since * 1000 - plain + (this.#master?.error ?? 0);
  }

  #follow(wanted: number | undefined, wall: Millis): void {
    const passed = Math.max(0, wall - this.#correctedAt);
    this.#correctedAt = wall;
    if (wanted === undefined) return;
    const off = wanted - this.#correction;
    const slew = this.#master === undefined ? AUDIO_SLEW : VIDEO_SLEW;
    if (Math.abs(off) > STEP_MILLIS) this.#correction = wanted;
    else this.#correction += Math.sign(off) * Math.min(Math.abs(off), passed * slew);
    this.error = this.#correction - wanted;
  }
}
