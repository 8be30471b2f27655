/** Calls that only tell: nobody waits for them. @module */

/** Calls that wait for one URL, and their bytes. */
export const TELLINGS_MAX = 1000;
export const TELLINGS_MAX_BYTES: number = 4 * 1024 * 1024;
/** Calls of one URL at a time; those of one client go one after the other. */
const LANES = 8;

export interface Telling {
  readonly hook: string;
  readonly body: string;
}

/** What is told to one URL, in the order in which it happened to each client. */
export class Tellings {
  readonly #send: (telling: Telling) => Promise<void>;
  readonly #lanes: Telling[][] = Array.from({ length: LANES }, () => []);
  #size = 0;
  #bytes = 0;
  #onIdle: () => void = () => {};

  /** `send` never rejects. */
  constructor(send: (telling: Telling) => Promise<void>) {
    this.#send = send;
  }

  /** Those under way included. */
  get size(): number {
    return this.#size;
  }

  /** Resolves when nothing is left to be told. */
  idle(): Promise<void> {
    if (this.#size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** False when too much waits already: it is dropped. */
  tell(client: string, telling: Telling): boolean {
    const bytes = telling.body.length;
    if (this.#size >= TELLINGS_MAX || this.#bytes + bytes > TELLINGS_MAX_BYTES) return false;
    this.#size++;
    this.#bytes += bytes;
    const lane = this.#lanes[laneOf(client)];
    lane?.push(telling);
    if (lane?.length === 1) void this.#run(lane);
    return true;
  }

  async #run(lane: Telling[]): Promise<void> {
    for (let next = lane[0]; next !== undefined; next = lane[0]) {
      await this.#send(next);
      lane.shift();
      this.#size--;
      this.#bytes -= next.body.length;
    }
    if (this.#size === 0) this.#onIdle();
  }
}

function laneOf(client: string): number {
  let sum = 0;
  for (let i = 0; i < client.length; i++) sum = (sum * 31 + client.charCodeAt(i)) >>> 0;
  return sum % LANES;
}
