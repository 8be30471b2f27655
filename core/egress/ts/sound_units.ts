import { ADTS_BYTES } from "../../media/aac/mod.ts";
import { PES_MAX_LENGTH } from "../../wire/mpegts/mod.ts";

/** Sound that is gathered to one PES packet, in ticks: where there are no pictures, it carries the PCR. */
const UNIT_TICKS = 9000;
/** How far a frame may be from where the last one ended, in ticks. */
const GAP_TICKS = 180;
/** Of a PES packet's frames: sound has to tell its length. */
const UNIT_MAX_BYTES: number = PES_MAX_LENGTH - 32;

/** Gathers frames of sound that follow each other. */
export class SoundUnits {
  readonly #onUnit: (dts: number, frames: readonly Uint8Array[]) => void;
  readonly #most: number;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #begun = 0;
  #ends = 0;
  #length = 0;

  /** `onUnit` takes one or more, with the time of the first; `most` ticks of them. */
  constructor(
    onUnit: (dts: number, frames: readonly Uint8Array[]) => void,
    most: number = UNIT_TICKS,
  ) {
    this.#onUnit = onUnit;
    this.#most = most;
  }

  /** A frame from `dts` to `ends`, in ticks. */
  put(dts: number, ends: number, frame: Uint8Array): void {
    const bytes = ADTS_BYTES + frame.length;
    // The last one of a run may be told to last until the next.
    const end = dts + Math.min(ends - dts, this.#length);
    const follows = Math.abs(dts - this.#ends) <= GAP_TICKS && end - this.#begun <= this.#most;
    if (!follows || this.#bytes + bytes > UNIT_MAX_BYTES) this.flush();
    if (this.#frames.length === 0) {
      this.#begun = dts;
      this.#ends = dts;
    }
    this.#frames.push(frame);
    this.#bytes += bytes;
    // Where each is told in whole ms, their lengths say more than their times.
    this.#length = ends - dts;
    this.#ends += this.#length;
  }

  flush(): void {
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    if (frames.length > 0) this.#onUnit(this.#begun, frames);
  }
}
