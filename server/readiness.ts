/** Whether this server takes new clients, for balancers. @module */

/** What fills up. */
export interface Capacity {
  /** The name of its setting. */
  readonly limit: string;
  readonly most: number;
  readonly now: () => number;
}

/** Starting, then ready while there is room, then draining for good. */
export class Readiness {
  #state: "starting" | "open" | "draining" = "starting";
  readonly #capacities: readonly Capacity[];

  constructor(capacities: readonly Capacity[]) {
    this.#capacities = capacities;
  }

  get draining(): boolean {
    return this.#state === "draining";
  }

  /** Everything is listened on. */
  open(): void {
    if (this.#state === "starting") this.#state = "open";
  }

  drain(): void {
    this.#state = "draining";
  }

  /** Why no client should be sent here; `undefined` when one may. */
  unready(): string | undefined {
    if (this.#state === "starting") return "starting";
    if (this.#state === "draining") return "draining: this server is being stopped";
    const full = this.#capacities.find((one) => one.now() >= one.most);
    return full && `full: ${full.now()} of ${full.most} (${full.limit})`;
  }
}
