/** Which of the last 64 sequence numbers of an epoch were seen (RFC 6347 §4.1.2.6). */
export const REPLAY_WINDOW = 64;

export class ReplayWindow {
  /** Highest sequence number accepted, -1 before the first. */
  #top = -1;
  /** Bit n of the two words: `#top - n` was seen. */
  #low = 0;
  #high = 0;

  /** Whether `sequence` is neither a repeat nor too old. Does not change the window. */
  isFresh(sequence: number): boolean {
    const age = this.#top - sequence;
    if (age < 0) return true;
    if (age >= REPLAY_WINDOW) return false;
    const word = age < 32 ? this.#low : this.#high;
    return ((word >>> (age & 31)) & 1) === 0;
  }

  /** To be called only when the record's tag was right. */
  accept(sequence: number): void {
    const ahead = sequence - this.#top;
    if (ahead > 0) {
      this.#shift(ahead);
      this.#top = sequence;
      this.#low |= 1;
      return;
    }
    const age = -ahead;
    if (age < 32) this.#low |= 1 << age;
    else if (age < REPLAY_WINDOW) this.#high |= 1 << (age & 31);
  }

  #shift(by: number): void {
    if (by >= REPLAY_WINDOW) {
      this.#low = 0;
      this.#high = 0;
    } else if (by >= 32) {
      this.#high = by === 32 ? this.#low : this.#low << (by - 32);
      this.#low = 0;
    } else {
      this.#high = (this.#high << by) | (this.#low >>> (32 - by));
      this.#low <<= by;
    }
  }
}
