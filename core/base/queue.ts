/**
 * First in, first out. Array.shift() moves all that is left, which with the thousands of messages one read
 * may bring takes seconds.
 */
export class Queue<Item> {
  #items: (Item | undefined)[] = [];
  #next = 0;

  get size(): number {
    return this.#items.length - this.#next;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const at = this.#next;
    if (at === this.#items.length) return undefined;
    const item = this.#items[at];
    this.#items[at] = undefined;
    this.#next++;
    if (this.#next === this.#items.length) {
      this.#items = [];
      this.#next = 0;
    }
    return item;
  }
}
