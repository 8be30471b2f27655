import type { Endpoint } from "../../core/base/io.ts";

/**
 * More datagrams than this in the queue are dropped, as a full socket buffer would. All viewers share
 * it, and a keyframe for 200 of them may be 10,000; it is 20 MB at most of what browsers send.
 */
export const QUEUE_DATAGRAMS = 16_384;

/**
 * Sends one datagram after the other: of several sends under way at once, Deno does the last one
 * first.
 */
export class SendQueue {
  readonly #send: (bytes: Uint8Array, to: Endpoint, done: () => void) => void;
  readonly #waiting: [bytes: Uint8Array, to: Endpoint][] = [];
  /** Index of the next one to send. */
  #next = 0;
  #busy = false;

  constructor(send: (bytes: Uint8Array, to: Endpoint, done: () => void) => void) {
    this.#send = send;
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    if (!this.#busy) {
      this.#busy = true;
      this.#send(bytes, to, this.#sent);
    } else if (this.#waiting.length - this.#next < QUEUE_DATAGRAMS) {
      this.#waiting.push([bytes, to]);
    }
  }

  readonly #sent = (): void => {
    const next = this.#waiting[this.#next];
    if (next === undefined) {
      this.#waiting.length = 0;
      this.#next = 0;
      this.#busy = false;
      return;
    }
    if (++this.#next === QUEUE_DATAGRAMS) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    this.#send(next[0], next[1], this.#sent);
  };
}
