import type { Millis } from "../../core/base/machine.ts";

/** Longest delay `setTimeout` takes; a longer one would fire at once. */
const LONGEST_DELAY: Millis = 2 ** 31 - 1;

export function now(): Millis {
  return performance.now();
}

export function wallClock(): Millis {
  return Date.now();
}

export function wakeAt(at: Millis, fire: () => void): Disposable {
  return new Wake(at, fire);
}

class Wake implements Disposable {
  readonly #at: Millis;
  readonly #fire: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(at: Millis, fire: () => void) {
    this.#at = at;
    this.#fire = fire;
    if (at < Number.POSITIVE_INFINITY) this.#arm(at - performance.now());
  }

  #arm(delay: Millis): void {
    const whole = Math.min(Math.max(Math.ceil(delay), 0), LONGEST_DELAY);
    this.#timer = setTimeout(this.#wake, whole);
  }

  readonly #wake = (): void => {
    // Timers are cut to whole milliseconds and may come a little early.
    const left = this.#at - performance.now();
    if (left > 0) this.#arm(left);
    else this.#fire();
  };

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
