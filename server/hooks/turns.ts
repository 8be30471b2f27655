import { Quota } from "../limits/quota.ts";

/** Calls at a time; who comes beyond waits for his turn. */
export const CALLS_AT_A_TIME = 64;
/** Clients that are asked for or wait, in all and of one address. */
export const ASKING_MAX = 1000;
export const ASKING_PER_ADDRESS = 200;

/** Turns at one hook, so that a slow one keeps neither other hooks nor memory busy. */
export class Turns {
  readonly #quota = new Quota({ total: ASKING_MAX, perAddress: ASKING_PER_ADDRESS });
  readonly #waiting = new Set<() => void>();
  #running = 0;

  /** Those that run or wait. */
  get size(): number {
    return this.#quota.used;
  }

  /** Takes a turn, to be disposed of; `undefined` when too many wait or the signal was first. */
  async take(addressKey: string, signal: AbortSignal): Promise<Disposable | undefined> {
    if (signal.aborted || this.#quota.take(addressKey) !== undefined) return undefined;
    if (this.#running < CALLS_AT_A_TIME) this.#running++;
    else if (!(await this.#turn(signal))) {
      this.#quota.give(addressKey);
      return undefined;
    }
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        this.#quota.give(addressKey);
        this.#next();
      },
    };
  }

  #turn(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (mine: boolean): void => {
        this.#waiting.delete(take);
        signal.removeEventListener("abort", giveUp);
        resolve(mine);
      };
      const take = (): void => done(true);
      const giveUp = (): void => done(false);
      signal.addEventListener("abort", giveUp);
      this.#waiting.add(take);
    });
  }

  /** The turn goes to who has waited longest. */
  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) this.#running--;
    else first();
  }
}
