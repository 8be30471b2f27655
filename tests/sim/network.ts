/**
 * A network of two machines in virtual time: what one transmits reaches the other later, not at
 * all, twice, damaged or in another order, always the same way for the same seed.
 *
 * @module
 */

import type { Machine, Millis } from "../../core/base/mod.ts";
import { SeededRandom } from "./random.ts";

/** Any machine that speaks in datagrams. */
export type DatagramMachine<Event> = Machine<Uint8Array, Uint8Array, Event>;

export type Side = "a" | "b";

/**
 * What becomes of one datagram: the copies that arrive, each after its own delay. None: it is lost.
 */
export type Fate = readonly Copy[];

export interface Copy {
  readonly bytes: Uint8Array;
  /** Added to the network's own delay. Default 0. */
  readonly extraMillis?: Millis;
}

/** Decides about a datagram; undefined leaves it to the rates. */
export type Script = (datagram: Uint8Array, from: Side, now: Millis) => Fate | undefined;

export interface NetworkOptions {
  readonly seed?: number;
  /** One way. Default 20. */
  readonly delayMillis?: Millis;
  /** A larger datagram is our mistake, and throws. Default 65,535. */
  readonly mtu?: number;
  /** Probabilities, default 0. */
  readonly loss?: number;
  readonly duplication?: number;
  /** Of being held back by up to five delays. */
  readonly reordering?: number;
  /** Of one flipped bit. */
  readonly corruption?: number;
  readonly script?: Script;
}

interface InFlight {
  readonly at: Millis;
  readonly order: number;
  readonly to: Side;
  readonly bytes: Uint8Array;
}

/** Steps after which a run is taken for endless. */
const MAX_STEPS = 100_000;

export class Network<Event> {
  now: Millis = 0;
  /** Datagrams transmitted by each side. */
  readonly sent: Record<Side, number> = { a: 0, b: 0 };
  readonly events: Record<Side, Event[]> = { a: [], b: [] };
  readonly #machines: Readonly<Record<Side, DatagramMachine<Event>>>;
  readonly #options: NetworkOptions;
  readonly #random: SeededRandom;
  #inFlight: InFlight[] = [];
  #order = 0;

  constructor(a: DatagramMachine<Event>, b: DatagramMachine<Event>, options: NetworkOptions = {}) {
    this.#machines = { a, b };
    this.#options = options;
    this.#random = new SeededRandom(options.seed ?? 1);
  }

  /** Runs until `done`, until nothing is left to happen, or until `limit`. */
  run(limit: Millis, done: () => boolean = () => false): void {
    for (let step = 0; step < MAX_STEPS; step++) {
      this.drain();
      if (done()) return;
      const next = this.#nextInstant();
      if (next > limit) {
        if (limit !== Number.POSITIVE_INFINITY) this.now = limit;
        return;
      }
      this.now = Math.max(this.now, next);
      this.#deliver();
      for (const side of ["a", "b"] as const) {
        if (this.#machines[side].nextTimeout() <= this.now) {
          this.#machines[side].handleTimeout(this.now);
        }
      }
    }
    throw new Error(`still busy after ${MAX_STEPS} steps`);
  }

  /** Takes what the machines have to say. Called by `run`; by hand only after a command. */
  drain(): void {
    for (const side of ["a", "b"] as const) {
      const machine = this.#machines[side];
      for (let out = machine.pollTransmit(); out; out = machine.pollTransmit()) {
        this.#transmit(side, out);
      }
      for (let event = machine.pollEvent(); event !== undefined; event = machine.pollEvent()) {
        this.events[side].push(event);
      }
    }
  }

  /** Loses everything that is on its way. */
  cut(): void {
    this.drain();
    this.#inFlight = [];
  }

  #transmit(from: Side, bytes: Uint8Array): void {
    this.sent[from]++;
    const { mtu = 65_535, delayMillis = 20, script } = this.#options;
    if (bytes.length > mtu) throw new Error(`a datagram of ${bytes.length} bytes, MTU ${mtu}`);
    const fate = script?.(bytes, from, this.now) ?? this.#chance(bytes, delayMillis);
    for (const copy of fate) {
      this.#inFlight.push({
        at: this.now + delayMillis + (copy.extraMillis ?? 0),
        order: this.#order++,
        to: from === "a" ? "b" : "a",
        bytes: copy.bytes.slice(),
      });
    }
  }

  #chance(bytes: Uint8Array, delayMillis: Millis): Fate {
    const { loss = 0, duplication = 0, reordering = 0, corruption = 0 } = this.#options;
    const random = this.#random;
    const copies: Copy[] = [];
    const wanted = random.chance(loss) ? 0 : random.chance(duplication) ? 2 : 1;
    for (let i = 0; i < wanted; i++) {
      const extraMillis = random.chance(reordering) ? random.next() * 5 * delayMillis : 0;
      const damaged = random.chance(corruption) ? flipBit(bytes, random) : bytes;
      copies.push({ bytes: damaged, extraMillis });
    }
    return copies;
  }

  #nextInstant(): Millis {
    let soonest = Math.min(this.#machines.a.nextTimeout(), this.#machines.b.nextTimeout());
    for (const { at } of this.#inFlight) soonest = Math.min(soonest, at);
    return soonest;
  }

  #deliver(): void {
    const due = this.#inFlight.filter(({ at }) => at <= this.now);
    this.#inFlight = this.#inFlight.filter(({ at }) => at > this.now);
    due.sort((x, y) => x.at - y.at || x.order - y.order);
    for (const { to, bytes } of due) {
      this.#machines[to].handleInput(bytes, this.now);
      this.drain();
    }
  }
}

function flipBit(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const out = bytes.slice();
  const bit = random.below(out.length * 8);
  out[bit >>> 3] = (out[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return out;
}
