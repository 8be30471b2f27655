/**
 * The tests that run at a time: their slots, and the WebRTC sessions among them, which are watched
 * and ended when their time is over.
 *
 * @module
 */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { ClientFacts, Facts } from "../facts.ts";
import { type Slot, Slots } from "./slots.ts";
import type { TestStream } from "./test_stream.ts";

/** A session of a test lives no longer: 8 s to connect, the rest to measure. */
export const SESSION_MAX_MILLIS: Millis = 20_000;
const LOOK_MILLIS: Millis = 100;

export interface RtcTest {
  readonly id: string;
  /** What its owner shows to read its facts. */
  readonly token: string;
  readonly slot: Slot;
  /** What is played; absent when the visitor publishes. */
  readonly stream: TestStream | undefined;
}

interface Running extends RtcTest {
  readonly until: Millis;
}

export class Tests {
  readonly slots: Slots;
  readonly #runtime: Runtime;
  readonly #facts: Facts;
  readonly #running = new Map<string, Running>();
  #timer: Disposable | undefined;

  constructor(runtime: Runtime, facts: Facts, most: number) {
    this.slots = new Slots(most);
    this.#runtime = runtime;
    this.#facts = facts;
  }

  watch(test: RtcTest): void {
    this.#running.set(test.id, { ...test, until: this.#runtime.now() + SESSION_MAX_MILLIS });
    this.#look();
  }

  /** What the server sees of a test that runs; `undefined` without its token. */
  factsOf(id: string, token: string): ClientFacts | undefined {
    const test = this.#running.get(id);
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    if (test === undefined || !this.#runtime.crypto.equal(bytes(test.token), bytes(token)))
      return undefined;
    return this.#facts.client(id);
  }

  close(): void {
    this.#timer?.[Symbol.dispose]();
    for (const test of this.#running.values()) this.#finish(test);
  }

  #look(): void {
    this.#timer?.[Symbol.dispose]();
    const now = this.#runtime.now();
    for (const test of this.#running.values()) {
      if (now >= test.until) this.#facts.kick(test.id);
      const client = this.#facts.client(test.id);
      if (client === undefined) this.#finish(test);
      else if (client.transport !== "") test.stream?.begin();
    }
    if (this.#running.size > 0)
      this.#timer = this.#runtime.wakeAt(now + LOOK_MILLIS, () => this.#look());
  }

  #finish(test: Running): void {
    this.#running.delete(test.id);
    test.stream?.end();
    test.slot.release();
  }
}
