/** A viewer over TCP behind a path that takes only so much, in virtual time. @module */
import { u16 } from "../../../core/bytes/mod.ts";
import { readDelivery, type Source, VIDEO_SSRC, type Viewer, type World } from "./fixture.ts";

/** What the kernel takes before `write` queues in our process. */
const KERNEL_BYTES = 4 * 1024 * 1024;

interface Arrival {
  readonly sentAt: number;
  readonly at: number;
  readonly ssrc: number;
}

/** A path of limited rate behind a kernel that hides megabytes, with TWCC or RR coming back. */
export class Path {
  /** Bytes per ms. */
  rate: number;
  delay: number;
  readonly arrivals: Arrival[] = [];
  highestReported = -1;
  readonly #viewer: Viewer;
  readonly #queue: { readonly bytes: Uint8Array; left: number; readonly sentAt: number }[] = [];
  readonly #flight: { readonly bytes: Uint8Array; readonly sentAt: number; readonly at: number }[] =
    [];
  #queued = 0;
  #transport = -1;
  #video = -1;
  #fresh = false;
  #nextReport = 0;
  readonly #reports: { readonly at: number; send(): void }[] = [];
  readonly #every: () => number;
  readonly #withTransport: boolean;

  constructor(
    viewer: Viewer,
    rate: number,
    delay = 20,
    every: number | (() => number) = 100,
    withTransport = true,
  ) {
    this.#viewer = viewer;
    this.rate = rate;
    this.delay = delay;
    this.#every = typeof every === "number" ? () => every : every;
    this.#withTransport = withTransport;
    viewer.onDeliver = (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const end = at + 2 + u16(bytes, at);
        const packet = bytes.subarray(at, end);
        this.#queue.push({ bytes: packet, left: packet.length, sentAt: world(viewer).now });
        at = end;
      }
      this.#queued += bytes.length;
      viewer.queuedBytes = Math.max(0, this.#queued - KERNEL_BYTES);
    };
  }

  /** Nothing arrives any more, reports included. */
  stall(): void {
    this.rate = 0;
    this.#nextReport = Number.POSITIVE_INFINITY;
  }

  get backlog(): number {
    return this.#queued;
  }

  step(now: number, millis: number): void {
    let budget = this.rate * millis;
    while (budget > 0 && this.#queue.length > 0) {
      const head = this.#queue[0]!;
      const taken = Math.min(budget, head.left);
      head.left -= taken;
      budget -= taken;
      this.#queued -= taken;
      if (head.left > 0) break;
      this.#queue.shift();
      this.#flight.push({ bytes: head.bytes, sentAt: head.sentAt, at: now + this.delay });
    }
    this.#viewer.queuedBytes = Math.max(0, this.#queued - KERNEL_BYTES);
    while (this.#flight.length > 0 && this.#flight[0]!.at <= now)
      this.#arrive(this.#flight.shift()!);
    this.#feedBack(now);
  }

  #arrive(sent: {
    readonly bytes: Uint8Array;
    readonly sentAt: number;
    readonly at: number;
  }): void {
    for (const seen of readDelivery(sent.bytes, sent.at, 3)) {
      this.arrivals.push({ sentAt: sent.sentAt, at: sent.at, ssrc: seen.header.ssrc });
      this.#transport = seen.transport;
      if (seen.header.ssrc === VIDEO_SSRC) this.#video = seen.header.sequenceNumber;
      this.#fresh = true;
    }
  }

  #feedBack(now: number): void {
    if (now >= this.#nextReport && (this.#withTransport ? this.#fresh : this.#video >= 0)) {
      const transport = this.#transport;
      const video = this.#video;
      const { subscriber } = this.#viewer;
      const at = now + this.delay;
      this.#reports.push({
        at,
        send: () => {
          if (this.#withTransport) subscriber.gate.log.handleTransport(transport, at);
          else subscriber.gate.log.handleHighest("video", video, at);
        },
      });
      this.#fresh = false;
      this.#nextReport = now + this.#every();
    }
    while (this.#reports.length > 0 && this.#reports[0]!.at <= now) this.#reports.shift()!.send();
  }

  worst(from = 0): number {
    return this.arrivals.reduce((most, one) => {
      return one.sentAt < from ? most : Math.max(most, one.at - one.sentAt);
    }, 0);
  }
}

const worlds = new WeakMap<Viewer, World>();
function world(viewer: Viewer): World {
  return worlds.get(viewer)!;
}

export function viewIn(where: World): Viewer {
  const viewer = where.view();
  worlds.set(viewer, where);
  return viewer;
}

/** Keyframes are so many times an ordinary frame. */
export const KEY_FACTOR: number = 4;

/** Publishes `bitsPerSecond` at 25 frames a second, keyframes when asked for, audio every 20 ms. */
export function run(
  where: World,
  source: Source,
  paths: readonly Path[],
  seconds: number,
  bitsPerSecond: number,
  each?: (now: number) => void,
): void {
  const frameBytes = bitsPerSecond / 8 / 25;
  const end = where.now + seconds * 1000;
  let asked = where.of("keyframe-request").length;
  let key = source.frame === 0;
  while (where.now < end) {
    if (where.now % 40 === 0) {
      const size = key ? frameBytes * KEY_FACTOR : frameBytes;
      const parts = Math.max(1, Math.ceil(size / 1200));
      source.pushFrame(where.now, key, parts, Math.floor(size / parts), 3600);
      key = false;
    }
    if (where.now % 20 === 0) source.pushAudio(where.now);
    where.pass(5);
    for (const path of paths) path.step(where.now, 5);
    const now = where.of("keyframe-request").length;
    if (now > asked) key = true;
    asked = now;
    each?.(where.now);
  }
}
