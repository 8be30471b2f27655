import type { Millis } from "../../core/base/mod.ts";
import type { Frame, FrameSink } from "../../core/stream/mod.ts";
import type { SoundSink, TranscodedSound } from "./transcoded_sound.ts";

/** So far behind the pictures sound that is transcoded may be to count as beside them. */
const BESIDE_MILLIS: Millis = 250;
/** Pictures that come while sound is waited for; beyond that they go on alone. */
export const HELD_MAX_FRAMES = 1000;
export const HELD_MAX_BYTES: number = 16 * 1024 * 1024;

export interface OutletOptions {
  readonly sink: FrameSink;
  readonly sound: TranscodedSound;
  /** How long pictures wait for sound that is being transcoded, by their own times. */
  readonly soundWaitMillis: Millis;
}

/**
 * Joins the pictures of one tap and the sound that all taps share. Where a transcoder has just begun, the sound
 * since the first picture is still to come: pictures wait for it and both go on in the order of their times.
 */
export class Outlet {
  readonly #sink: FrameSink;
  readonly #shared: TranscodedSound;
  readonly #soundWaitMillis: Millis;
  /** Pictures that wait, and whether any do: not any more, once sound is beside them. */
  #held: Frame[] = [];
  #waits = true;
  #begun = false;
  /** Of pictures that came while others waited, and their bytes. */
  #frames = 0;
  #bytes = 0;
  /** When the newest picture was to be decoded as the wait began. */
  #since: Millis | undefined;
  /** Sound that is older is not told: the first picture's time. */
  #from: Millis = Number.NEGATIVE_INFINITY;

  constructor({ sink, sound, soundWaitMillis }: OutletOptions) {
    this.#sink = sink;
    this.#shared = sound;
    this.#soundWaitMillis = soundWaitMillis;
  }

  readonly pictures: FrameSink = {
    handleFormat: (format) => {
      if (format.kind !== "video") return;
      this.#release(Number.POSITIVE_INFINITY);
      this.#sink.handleFormat(format);
    },
    handleFrame: (frame) => {
      if (frame.kind === "video") this.#picture(frame);
    },
    handleEnd: () => {
      this.#release(Number.POSITIVE_INFINITY);
      this.#waits = true;
      this.#since = undefined;
      this.#from = Number.NEGATIVE_INFINITY;
      this.#sink.handleEnd();
    },
  };

  readonly sound: SoundSink = {
    handleFormat: (format) => this.#sink.handleFormat(format),
    handleFrame: (frame) => this.#sound(frame),
  };

  /** What the tap has kept is told: the sound's format, then both kinds in order of time. */
  begin(): void {
    const { format, recent } = this.#shared;
    this.#begun = true;
    const [first] = this.#held;
    if (first !== undefined) this.#from = first.dts;
    if (format !== undefined) this.#sink.handleFormat(format);
    if (first === undefined) return;
    for (const frame of recent) this.#tell(frame);
    this.#since = this.#held.at(-1)?.dts ?? first.dts;
    this.#look();
  }

  #picture(frame: Frame): void {
    if (!this.#begun) {
      this.#held.push(frame);
      return;
    }
    if (!this.#waits) {
      this.#sink.handleFrame(frame);
      return;
    }
    this.#held.push(frame);
    this.#frames++;
    this.#bytes += frame.data.length;
    this.#since ??= frame.dts;
    const long = frame.dts - this.#since >= this.#soundWaitMillis;
    const much = this.#frames > HELD_MAX_FRAMES || this.#bytes > HELD_MAX_BYTES;
    if (long || much) this.#goOn();
    else this.#look();
  }

  #sound(frame: Frame): void {
    this.#tell(frame);
    if (this.#waits) this.#look();
  }

  /** Sound, behind the pictures before it. */
  #tell(frame: Frame): void {
    if (frame.dts < this.#from) return;
    if (this.#held.length > 0) this.#release(frame.dts);
    this.#sink.handleFrame(frame);
  }

  /** Goes on with what need not wait. */
  #look(): void {
    const { coming, come } = this.#shared;
    const newest = this.#held.at(-1)?.dts;
    if (newest === undefined) return;
    // It may come a little later than the first picture, and is waited for from then on.
    if (coming === undefined) this.#release(newest);
    else if (come >= Math.min(coming, newest) - BESIDE_MILLIS) this.#goOn();
  }

  #goOn(): void {
    this.#release(Number.POSITIVE_INFINITY);
    this.#waits = false;
    this.#frames = 0;
    this.#bytes = 0;
  }

  /** Tells the pictures that wait, up to that time. */
  #release(until: Millis): void {
    let count = 0;
    for (; count < this.#held.length; count++) {
      const frame = this.#held[count];
      if (frame === undefined || frame.dts > until) break;
      this.#sink.handleFrame(frame);
    }
    if (count > 0) this.#held = this.#held.slice(count);
  }
}
