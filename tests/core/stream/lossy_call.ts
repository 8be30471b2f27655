/**
 * A publisher, the hub and one viewer who takes datagrams behind a bad network, in virtual time.
 * The viewer answers as a browser does: NACK, TWCC or REMB, RR, and PLI when he is stuck.
 *
 * @module
 */
import type { Millis } from "../../../core/base/mod.ts";
import { isFault, NEVER } from "../../../core/base/mod.ts";
import { u16 } from "../../../core/bytes/mod.ts";
import {
  NackGenerator,
  ReceiverReports,
  TwccFeedback,
} from "../../../core/session/webrtc/feedback/mod.ts";
import { ViewerFeedback } from "../../../core/session/webrtc/viewer_feedback.ts";
import type { HubLimits } from "../../../core/stream/mod.ts";
import { decodeRtcp, encodeRtcp, isRtcp } from "../../../core/wire/rtcp/mod.ts";
import { decodeRtp, extendIndex, findExtension } from "../../../core/wire/rtp/mod.ts";
import { type DatagramMachine, type Fate, Network, type Side } from "../../sim/network.ts";
import { SeededRandom } from "../../sim/random.ts";
import {
  AUDIO_SSRC,
  audioOptions,
  partOf,
  RTX_SSRC,
  type Source,
  VIDEO_SSRC,
  type Viewer,
  videoOptions,
  World,
} from "./fixture.ts";

export interface CallOptions {
  readonly bitsPerSecond: number;
  /** One way. */
  readonly delayMillis: Millis;
  /** Probabilities, both ways. */
  readonly loss?: number;
  readonly reordering?: number;
  readonly duplication?: number;
  /** A packet out of order is held back by up to so much. */
  readonly heldMillis?: Millis;
  /** What the way to the viewer takes, in bits per second; changed by setting `call.rate`. */
  readonly rate?: number;
  /** What the bottleneck buffers, in ms; packets beyond are dropped. */
  readonly bufferMillis?: Millis;
  /** What the viewer tells of: transport-wide arrivals, or receiver reports alone. */
  readonly feedback?: "twcc" | "rr";
  readonly limits?: Partial<HubLimits>;
  /** Pictures alone when false. */
  readonly audio?: boolean;
  /** A keyframe comes so often by itself, whether or not any is asked for. */
  readonly keyframeMillis?: Millis;
  readonly seed?: number;
}

const FRAME_MILLIS = 40;
const AUDIO_MILLIS = 20;
/** Keyframes are so many times an ordinary frame. */
const KEY_FACTOR = 4;
/** A browser asks for a keyframe when nothing could be decoded for so long. */
const STUCK_MILLIS = 1000;

export class Call {
  readonly sender: Sender;
  readonly receiver: Receiver;
  readonly network: Network<undefined>;
  rate: number;
  /** RTP packets lost by chance, and dropped at the bottleneck. */
  lost = 0;
  dropped = 0;
  readonly #options: CallOptions;
  readonly #random: SeededRandom;
  #busyUntil: Millis = 0;

  constructor(options: CallOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed ?? 7);
    this.rate = options.rate ?? Number.POSITIVE_INFINITY;
    this.sender = new Sender(options);
    this.receiver = new Receiver(options.feedback !== "rr");
    this.network = new Network(this.sender, this.receiver, {
      delayMillis: options.delayMillis,
      script: (bytes, from, now) => this.#fate(bytes, from, now),
    });
  }

  run(seconds: number): this {
    this.network.run(this.network.now + seconds * 1000);
    return this;
  }

  #fate(bytes: Uint8Array, from: Side, now: Millis): Fate {
    const { loss = 0, reordering = 0, duplication = 0, heldMillis = 30 } = this.#options;
    const random = this.#random;
    if (random.chance(loss)) {
      if (from === "a") this.lost++;
      return [];
    }
    const extraMillis = random.chance(reordering) ? random.next() * heldMillis : 0;
    const queued = from === "a" ? this.#queue(bytes.length, now) : 0;
    if (queued < 0) return [];
    const copy = { bytes, extraMillis: queued + extraMillis };
    return random.chance(duplication) ? [copy, copy] : [copy];
  }

  /** How long a packet waits at the bottleneck, -1 when it is dropped. */
  #queue(bytes: number, now: Millis): Millis {
    if (this.rate === Number.POSITIVE_INFINITY) return 0;
    const from = Math.max(now, this.#busyUntil);
    if (from - now > (this.#options.bufferMillis ?? 200)) {
      this.dropped++;
      return -1;
    }
    this.#busyUntil = from + (bytes * 8000) / this.rate;
    return this.#busyUntil - now;
  }
}

/** Publishes 25 frames and 50 audio packets a second into the hub. */
export class Sender implements DatagramMachine<undefined> {
  readonly world: World;
  readonly source: Source;
  readonly viewer: Viewer;
  /** When each frame was published, and its audio packets. */
  readonly framesAt: Millis[] = [];
  audio = 0;
  keyframes = 0;
  /** Requested retransmissions by PLI and NACK, as they arrive. */
  readonly #feedback: ViewerFeedback;
  readonly #out: Uint8Array[] = [];
  readonly #frameBytes: number;
  #frameDue: Millis = 0;
  #audioDue: Millis = 0;
  #asked = 0;
  #key = true;
  readonly #keyframeMillis: Millis;
  #keyframeDue: Millis;

  constructor(options: CallOptions) {
    this.world = new World(options.limits);
    this.world.clock.now = 0;
    this.source = this.world.publish();
    const twcc = options.feedback !== "rr";
    const plain = twcc ? {} : { extensions: new Map<string, number>() };
    this.viewer = this.world.view({ audio: audioOptions(plain), video: videoOptions(plain) });
    this.viewer.framed = false;
    this.viewer.onDeliver = (bytes) => this.#out.push(bytes.slice());
    this.viewer.onReport = (report) => this.#out.push(encodeRtcp([report]));
    this.#feedback = new ViewerFeedback(this.viewer.subscriber, (fault) => {
      throw new Error(fault.code);
    });
    this.#frameBytes = (options.bitsPerSecond / 8000) * FRAME_MILLIS;
    if (options.audio === false) this.#audioDue = NEVER;
    this.#keyframeMillis = options.keyframeMillis ?? NEVER;
    this.#keyframeDue = this.#keyframeMillis;
  }

  handleInput(bytes: Uint8Array, now: Millis): void {
    this.world.clock.now = now;
    this.#feedback.onRtcp(bytes, now);
  }

  handleTimeout(now: Millis): void {
    const { world, source } = this;
    world.clock.now = now;
    if (now >= this.#audioDue) {
      this.#audioDue += AUDIO_MILLIS;
      this.audio++;
      source.pushAudio(now);
    }
    if (now >= this.#frameDue) {
      this.#frameDue += FRAME_MILLIS;
      if (now >= this.#keyframeDue) {
        this.#keyframeDue += this.#keyframeMillis;
        this.#key = true;
      }
      const size = this.#key ? this.#frameBytes * KEY_FACTOR : this.#frameBytes;
      const parts = Math.max(1, Math.ceil(size / 1150));
      this.framesAt.push(now);
      if (this.#key) this.keyframes++;
      source.pushFrame(now, this.#key, parts, Math.floor(size / parts), FRAME_MILLIS * 90);
      this.#key = false;
    }
    world.hub.handleTimeout(now);
    const asked = world.of("keyframe-request").length;
    if (asked > this.#asked) this.#key = true;
    this.#asked = asked;
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#out.shift();
  }

  pollEvent(): undefined {
    return undefined;
  }

  nextTimeout(): Millis {
    return Math.min(this.#frameDue, this.#audioDue, this.world.hub.nextTimeout());
  }
}

interface Frame {
  readonly key: boolean;
  readonly parts: Set<number>;
  readonly wanted: number;
  wholeAt: Millis;
}

/** A browser's receiving half, without its decoder. */
export class Receiver implements DatagramMachine<undefined> {
  /** By number: when its last packet came. */
  readonly frames: Map<number, Frame> = new Map();
  /** When frames could be decoded, in order. */
  readonly decodedAt: Millis[] = [];
  readonly audioAt: Millis[] = [];
  packets = 0;
  repairs = 0;
  /** Repairs of what had come already. */
  needless = 0;
  nacked = 0;
  plis = 0;
  /** Sent as REMB four times a second when set, in bits per second. */
  remb = 0;
  readonly #nacks = new NackGenerator({ senderSsrc: 1 });
  readonly #reports = new ReceiverReports({ senderSsrc: 1, cname: "viewer" });
  readonly #twcc: TwccFeedback | undefined;
  readonly #out: Uint8Array[] = [];
  readonly #highest = new Map<number, number>();
  readonly #had = new Set<number>();
  #decoded = -1;
  #decodedAt: Millis = 0;
  #tickAt: Millis = 250;

  constructor(twcc: boolean) {
    this.#twcc = twcc ? new TwccFeedback({ senderSsrc: 1 }) : undefined;
  }

  handleInput(bytes: Uint8Array, now: Millis): void {
    if (isRtcp(bytes)) {
      const packets = decodeRtcp(bytes);
      if (isFault(packets)) throw new Error(packets.code);
      for (const one of packets) {
        if (one.type === "sr") this.#reports.handleSenderReport(one.ssrc, one.ntp, now);
      }
      return;
    }
    const header = decodeRtp(bytes);
    if (isFault(header)) throw new Error(header.code);
    const { ssrc } = header;
    this.packets++;
    const at = findExtension(bytes, header, 3);
    if (at > 0) this.#twcc?.handlePacket(u16(bytes, at), ssrc, now);
    const payload = bytes.subarray(header.payloadAt, header.payloadEnd);
    const index = this.#extend(ssrc, header.sequenceNumber);
    const rate = ssrc === AUDIO_SSRC ? 48_000 : 90_000;
    this.#reports.handlePacket(ssrc, index, header.timestamp, rate, now);
    if (ssrc === AUDIO_SSRC) {
      this.audioAt.push(now);
    } else if (ssrc === VIDEO_SSRC) {
      this.#nacks.handlePacket(ssrc, index, now);
      this.#take(index, payload, now);
    } else if (ssrc === RTX_SSRC) {
      this.repairs++;
      const original = this.#extend(VIDEO_SSRC, u16(payload, 0));
      if (this.#had.has(original)) this.needless++;
      this.#nacks.handlePacket(VIDEO_SSRC, original, now, true);
      this.#take(original, payload.subarray(2), now);
    }
  }

  handleTimeout(now: Millis): void {
    for (const one of [this.#nacks, this.#twcc, this.#reports]) {
      for (let rtcp = one?.poll(now); rtcp !== undefined; rtcp = one?.poll(now)) {
        if (one === this.#nacks) this.nacked += countNacked(rtcp);
        this.#out.push(rtcp);
      }
    }
    for (let ssrc = this.#nacks.pollLost(); ssrc; ssrc = this.#nacks.pollLost()) this.#ask(now);
    if (now < this.#tickAt) return;
    this.#tickAt += 250;
    if (now - this.#decodedAt > STUCK_MILLIS) this.#ask(now);
    if (this.remb > 0) {
      this.#out.push(
        encodeRtcp([{ type: "remb", senderSsrc: 1, bitrate: this.remb, ssrcs: [VIDEO_SSRC] }]),
      );
    }
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#out.shift();
  }

  pollEvent(): undefined {
    return undefined;
  }

  nextTimeout(): Millis {
    return Math.min(
      this.#tickAt,
      this.#nacks.nextTimeout(),
      this.#reports.nextTimeout(),
      this.#twcc?.nextTimeout() ?? NEVER,
    );
  }

  #ask(now: Millis): void {
    this.plis++;
    this.#decodedAt = now;
    this.#out.push(encodeRtcp([{ type: "pli", senderSsrc: 1, mediaSsrc: VIDEO_SSRC }]));
  }

  #extend(ssrc: number, sequenceNumber: number): number {
    const highest = this.#highest.get(ssrc) ?? sequenceNumber;
    const index = extendIndex(highest, sequenceNumber);
    this.#highest.set(ssrc, Math.max(highest, index));
    return index;
  }

  #take(index: number, payload: Uint8Array, now: Millis): void {
    this.#had.add(index);
    const { frame, part, parts, key } = partOf(payload);
    let found = this.frames.get(frame);
    if (found === undefined) {
      found = { key, parts: new Set(), wanted: parts, wholeAt: NEVER };
      this.frames.set(frame, found);
    }
    found.parts.add(part);
    if (found.parts.size < found.wanted || found.wholeAt !== NEVER) return;
    found.wholeAt = now;
    this.#decode(frame, now);
  }

  /** Frames go on from the last one, or begin at a keyframe. */
  #decode(frame: number, now: Millis): void {
    if (this.frames.get(frame)?.key === true && frame > this.#decoded) this.#decoded = frame - 1;
    for (let next = this.frames.get(this.#decoded + 1); next !== undefined; ) {
      if (next.wholeAt === NEVER) return;
      this.#decoded++;
      this.#decodedAt = now;
      this.decodedAt.push(now);
      next = this.frames.get(this.#decoded + 1);
    }
  }
}

function countNacked(rtcp: Uint8Array): number {
  const packets = decodeRtcp(rtcp);
  if (isFault(packets)) return 0;
  return packets.reduce((sum, one) => sum + (one.type === "nack" ? one.lost.length : 0), 0);
}
