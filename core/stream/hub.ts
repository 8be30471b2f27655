import { type Millis, NEVER, type SrtpEngine } from "../base/mod.ts";
import type { HubEvent } from "./events.ts";
import { FanOut } from "./fan_out.ts";
import type { FrameSink } from "./frame.ts";
import type { StreamName } from "./name.ts";
import { DEFAULT_FRAMES, DEFAULT_LIMITS, type FrameOptions, type HubLimits } from "./options.ts";
import type { Publisher } from "./publisher.ts";
import { Retransmitter } from "./retransmit.ts";
import { Stream, type StreamContext } from "./stream.ts";
import type { Subscriber, SubscriberOptions } from "./subscriber.ts";
import { addViewer, type HubTotals, noTotals } from "./totals.ts";

export interface HubOptions {
  /** Seals for the viewers; their contexts are the owner's to add and remove. */
  readonly engine: SrtpEngine;
  readonly limits?: Partial<HubLimits>;
  readonly frames?: Partial<FrameOptions>;
  /** Ms since the Unix epoch when the `now` clock was 0, for sender reports. Default 0. */
  readonly wallClockAtZero?: Millis;
}

/** Why nobody can publish: the stream is another client's, or there are too many streams. */
export type PublishRefusal = "busy" | "too-many-streams";
/** Why nobody can watch. */
export type SubscribeRefusal = "too-many-streams" | "too-many-viewers" | "too-many-waiting";

/**
 * All streams. Media goes straight to the viewers' sinks; everything else comes out of
 * `pollEvent`: drain it after every call that may change something, then read `nextTimeout`.
 */
export class Hub {
  readonly limits: HubLimits;
  readonly #streams = new Map<string, Stream>();
  readonly #events: HubEvent[] = [];
  readonly #context: StreamContext;
  /** Of viewers who have left. */
  readonly #gone: HubTotals = noTotals();
  #next: Millis = NEVER;

  constructor(options: HubOptions) {
    const { engine } = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#context = {
      engine,
      fanOut: new FanOut(engine),
      retransmitter: new Retransmitter(engine, this.limits),
      limits: this.limits,
      frames: { ...DEFAULT_FRAMES, ...options.frames },
      emit: (event) => this.#events.push(event),
      wallClockAtZero: options.wallClockAtZero ?? 0,
      wake: (at) => {
        if (at < this.#next) this.#next = at;
      },
      left: (viewer) => addViewer(this.#gone, viewer),
      idle: (stream) => this.#forget(stream),
    };
  }

  /**
   * Takes the stream for a publisher. Media younger than `busyMediaMillis` holds it against
   * everybody, a claim younger than `busyClaimMillis` against other clients; `client` tells who it
   * is. A client whose publisher is not connected any more takes over from itself at once.
   */
  publish(name: StreamName, client: string, now: Millis): Publisher | PublishRefusal {
    const stream = this.#demand(name, now);
    if (stream === undefined) return "too-many-streams";
    const claimed = stream.claim(client, now);
    // Who was replaced may have been the only one there.
    if (typeof claimed !== "string") this.#streams.set(name.key, stream);
    return claimed;
  }

  /** Adds a viewer to a stream, which need not be published yet. */
  subscribe(
    name: StreamName,
    options: SubscriberOptions,
    now: Millis,
  ): Subscriber | SubscribeRefusal {
    const { maxViewers, maxWaitingViewers } = this.limits;
    const known = this.#streams.get(name.key);
    const viewers = known?.viewers.length ?? 0;
    if (viewers >= maxViewers) return "too-many-viewers";
    if (known?.publisher === undefined && viewers >= maxWaitingViewers) return "too-many-waiting";
    return this.#demand(name, now)?.subscribe(options) ?? "too-many-streams";
  }

  /**
   * Gives the frames of a stream, which need not be published yet, to `sink` until `untap`; `undefined`
   * when there are too many streams.
   */
  tap(name: StreamName, sink: FrameSink, fromKeyframe: boolean, now: Millis): Stream | undefined {
    const stream = this.#demand(name, now);
    stream?.frames.add(sink, fromKeyframe, now);
    return stream;
  }

  untap(stream: Stream, sink: FrameSink): void {
    stream.frames.remove(sink);
    stream.framesLeft();
  }

  /** The stream called `key` (`app/stream`), if somebody publishes or waits for it. */
  stream(key: string): Stream | undefined {
    return this.#streams.get(key);
  }

  streams(): IterableIterator<Stream> {
    return this.#streams.values();
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Viewers whose path is estimated to take only so much, whatever that is. */
  get narrowViewers(): number {
    let narrow = 0;
    for (const stream of this.#streams.values()) {
      for (const viewer of stream.viewers) {
        if (viewer.estimatedBitrate !== Number.POSITIVE_INFINITY) narrow++;
      }
    }
    return narrow;
  }

  /** Of all viewers there are and were, for metrics. */
  totals(): HubTotals {
    const totals = { ...this.#gone };
    for (const stream of this.#streams.values()) {
      for (const viewer of stream.viewers) addViewer(totals, viewer);
    }
    return totals;
  }

  pollEvent(): HubEvent | undefined {
    return this.#events.shift();
  }

  handleTimeout(now: Millis): void {
    if (now < this.#next) return;
    this.#next = NEVER;
    for (const stream of this.#streams.values()) {
      if (stream.nextTimeout() <= now) stream.handleTimeout(now);
      this.#next = Math.min(this.#next, stream.nextTimeout());
    }
  }

  nextTimeout(): Millis {
    return this.#next;
  }

  #demand(name: StreamName, now: Millis): Stream | undefined {
    const known = this.#streams.get(name.key);
    if (known !== undefined) return known;
    if (this.#streams.size >= this.limits.maxStreams) return undefined;
    const stream = new Stream(name, this.#context, now);
    this.#streams.set(name.key, stream);
    return stream;
  }

  #forget(stream: Stream): void {
    if (this.#streams.get(stream.name.key) === stream) this.#streams.delete(stream.name.key);
  }
}
