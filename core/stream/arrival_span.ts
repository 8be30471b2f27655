import { DELTA_MICROS } from "../wire/rtcp/mod.ts";
import { difference32 } from "../wire/rtp/mod.ts";

const TICKS_PER_SECOND = 1_000_000 / DELTA_MICROS;

/** What arrived within a span of the receiver's time, in ticks of 250 us modulo 2^32. */
export class ArrivalSpan {
  #from = 0;
  #to = 0;
  #bytes = 0;
  packets = 0;
  begun = false;

  /** Begins when a packet arrives, which is not counted: the span is what comes behind it. */
  begin(arrival: number): void {
    this.#from = arrival;
    this.#to = arrival;
    this.#bytes = 0;
    this.packets = 0;
    this.begun = true;
  }

  /** Adds a packet; the first one begins the span. */
  add(arrival: number, bytes: number): void {
    if (!this.begun) {
      this.begin(arrival);
      return;
    }
    if (difference32(arrival, this.#to) > 0) this.#to = arrival;
    this.#bytes += bytes;
    this.packets++;
  }

  end(): void {
    this.begun = false;
    this.#to = this.#from;
  }

  get ticks(): number {
    return difference32(this.#to, this.#from);
  }

  /** In bits per second. */
  get bitrate(): number {
    return (this.#bytes * 8 * TICKS_PER_SECOND) / Math.max(1, this.ticks);
  }
}
