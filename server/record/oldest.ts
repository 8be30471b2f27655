/** The so many that come first by a number, of any that are shown: with twice as many in memory at most. */
export class Oldest<T> {
  readonly #most: number;
  readonly #order: (one: T) => number;
  #kept: T[] = [];

  constructor(most: number, order: (one: T) => number) {
    this.#most = most;
    this.#order = order;
  }

  add(one: T): void {
    this.#kept.push(one);
    if (this.#kept.length >= 2 * this.#most) this.#kept = this.sorted();
  }

  /** The first ones, in order. */
  sorted(): T[] {
    return this.#kept
      .toSorted((one, other) => this.#order(one) - this.#order(other))
      .slice(0, this.#most);
  }
}
