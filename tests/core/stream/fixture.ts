/**
 * A publisher, viewers and an engine for the hub's tests: plaintext instead of SRTP, virtual time.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { SenderId } from "../../../core/base/mod.ts";
import { concat, putU16, putU32, u8, u16, u32 } from "../../../core/bytes/mod.ts";
import type { Format } from "../../../core/media/mod.ts";
import {
  Hub,
  type HubEvent,
  type HubLimits,
  isBadStreamName,
  type Publisher,
  parseStreamName,
  type SourceTrack,
  type StreamName,
  type Subscriber,
  type SubscriberOptions,
  type ViewerSink,
  type ViewerTrackOptions,
} from "../../../core/stream/mod.ts";
import { encodeRtcp, type ReportBlock, type SenderReport } from "../../../core/wire/rtcp/mod.ts";
import { decodeRtp, findExtension, type RtpHeader } from "../../../core/wire/rtp/mod.ts";
import { PlaintextEngine } from "./plaintext_engine.ts";

export const TWCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
export const LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

export const VP8: Format = { codec: "vp8", clockRate: 90_000, channels: 0, parameters: "" };
export const H264: Format = {
  codec: "h264",
  clockRate: 90_000,
  channels: 0,
  parameters: "packetization-mode=1;profile-level-id=42e01f",
};
export const OPUS: Format = { codec: "opus", clockRate: 48_000, channels: 2, parameters: "" };
export const PCMU: Format = { codec: "pcmu", clockRate: 8000, channels: 1, parameters: "" };

export function name(key = "live/test"): StreamName {
  const [app = "", stream = ""] = key.split("/");
  const parsed = parseStreamName(app, stream);
  if (isBadStreamName(parsed)) throw new Error(parsed.message);
  return parsed;
}

/** One packet as a viewer gets it. */
export interface Seen {
  readonly at: number;
  readonly header: RtpHeader;
  readonly bytes: Uint8Array;
  readonly payload: Uint8Array;
  /** -1 without one. */
  readonly transport: number;
}

/** What `Source` wrote into a video payload. */
export interface FramePart {
  readonly frame: number;
  readonly part: number;
  readonly parts: number;
  readonly key: boolean;
}

export function partOf(payload: Uint8Array): FramePart {
  return {
    frame: u32(payload, 2),
    part: u16(payload, 6),
    parts: u16(payload, 8),
    key: (u8(payload, 1) & 1) === 0,
  };
}

/** A viewer's session, as far as the hub knows it. */
export class Viewer implements ViewerSink {
  queuedBytes = 0;
  /** Over TCP; false when his path is UDP. */
  framed = true;
  readonly seen: Seen[] = [];
  readonly reports: { readonly at: number; readonly report: SenderReport }[] = [];
  readonly subscriber: Subscriber;
  readonly sender: SenderId;
  bytes = 0;
  deliveries = 0;
  /** What happens to a delivery besides being read here. */
  onDeliver: ((bytes: Uint8Array, packets: number) => void) | undefined;
  onReport: ((report: SenderReport) => void) | undefined;
  readonly #clock: { now: number };
  readonly #transportId: number;

  constructor(subscriber: Subscriber, sender: SenderId, clock: { now: number }, transportId = 3) {
    this.subscriber = subscriber;
    this.sender = sender;
    this.#clock = clock;
    this.#transportId = transportId;
    subscriber.start(sender, this, clock.now);
  }

  deliver(bytes: Uint8Array, packets: number): boolean {
    this.bytes += bytes.length;
    this.deliveries++;
    this.onDeliver?.(bytes, packets);
    const stream = this.framed ? bytes : concat([lengthOf(bytes), bytes]);
    this.seen.push(...readDelivery(stream, this.#clock.now, this.#transportId));
    return false;
  }

  report(report: SenderReport): void {
    this.onReport?.(report);
    this.reports.push({ at: this.#clock.now, report });
  }

  of(ssrc: number): Seen[] {
    return this.seen.filter((one) => one.header.ssrc === ssrc);
  }
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(bytes.length >> 8, bytes.length);
}

export function readDelivery(bytes: Uint8Array, at: number, transportId: number): Seen[] {
  const seen: Seen[] = [];
  for (let from = 0; from < bytes.length; ) {
    const size = u16(bytes, from);
    const packet = bytes.subarray(from + 2, from + 2 + size);
    const header = decodeRtp(packet);
    if (!("payloadAt" in header)) throw new Error(`not RTP: ${header}`);
    const found = findExtension(packet, header, transportId);
    const payload = packet.subarray(header.payloadAt, header.payloadEnd);
    const transport = found === 0 ? -1 : u16(packet, found);
    seen.push({ at, header, bytes: packet, payload, transport });
    from += 2 + size;
  }
  return seen;
}

/** Tells the hub by transport-wide feedback that one packet arrived. */
export function reportTransport(subscriber: Subscriber, sequence: number, now: number): void {
  const bytes = encodeRtcp([
    {
      type: "twcc",
      senderSsrc: 1,
      mediaSsrc: VIDEO_SSRC,
      baseSequence: sequence & 0xffff,
      referenceTime: 1,
      feedbackCount: 0,
      deltas: [0],
    },
  ]);
  subscriber.handleTransportFeedback(bytes, 4, bytes.length, now);
}

/** Tells the hub by a receiver report. */
export function reportBlock(
  subscriber: Subscriber,
  block: Partial<ReportBlock>,
  now: number,
): void {
  const nothing = { fractionLost: 0, cumulativeLost: 0, jitter: 0, lastSr: 0, delaySinceLastSr: 0 };
  const whole = { ssrc: VIDEO_SSRC, highestSequence: 0, ...nothing, ...block };
  const bytes = encodeRtcp([{ type: "rr", ssrc: 1, blocks: [whole] }]);
  subscriber.handleReportBlock(bytes, 8, now);
}

export const VIDEO_SSRC = 0x1111;
export const AUDIO_SSRC = 0x2222;
export const RTX_SSRC = 0x3333;

export function videoOptions(changes: Partial<ViewerTrackOptions> = {}): ViewerTrackOptions {
  return {
    ssrc: VIDEO_SSRC,
    rtxSsrc: RTX_SSRC,
    nack: true,
    twoByte: false,
    extensions: new Map([[TWCC, 3]]),
    formats: [
      { format: VP8, payloadType: 96, rtxPayloadType: 97 },
      { format: H264, payloadType: 102, rtxPayloadType: 103 },
    ],
    firstSequenceNumber: 1000,
    ...changes,
  };
}

export function audioOptions(changes: Partial<ViewerTrackOptions> = {}): ViewerTrackOptions {
  return {
    ssrc: AUDIO_SSRC,
    nack: false,
    twoByte: false,
    extensions: new Map([
      [TWCC, 3],
      [LEVEL, 4],
    ]),
    formats: [
      { format: OPUS, payloadType: 111 },
      { format: PCMU, payloadType: 0 },
    ],
    firstSequenceNumber: 500,
    ...changes,
  };
}

/** A publisher's encoder: numbered frames of VP8 (or of what `format` says), and Opus. */
export class Source {
  readonly publisher: Publisher;
  readonly video: SourceTrack;
  readonly audio: SourceTrack;
  videoSsrc = 0xaaaa;
  audioSsrc = 0xbbbb;
  videoPayloadType = 100;
  videoIndex = 65_530;
  audioIndex = 7;
  videoTime = 0xffff_0000;
  audioTime = 12_345;
  frame = 0;

  constructor(publisher: Publisher) {
    this.publisher = publisher;
    this.video = {
      kind: "video",
      formats: new Map([
        [100, VP8],
        [101, H264],
      ]),
      extensions: new Map([[TWCC, 5]]),
    };
    this.audio = {
      kind: "audio",
      formats: new Map([
        [109, OPUS],
        [0, PCMU],
      ]),
      extensions: new Map([[LEVEL, 1]]),
    };
    publisher.addTrack(this.video);
    publisher.addTrack(this.audio);
  }

  /** The packets of one frame, `step` ticks after the last one. */
  packetsOfFrame(key: boolean, parts = 3, size = 1000, step = 3000): [Uint8Array, number][] {
    this.videoTime = (this.videoTime + step) >>> 0;
    const frame = this.frame++;
    const packets: [Uint8Array, number][] = [];
    for (let part = 0; part < parts; part++) {
      const payload = new Uint8Array(Math.max(12, size));
      payload[0] = part === 0 ? 0x10 : 0x00;
      payload[1] = key ? 0x10 : 0x11;
      if (this.videoPayloadType === 101) {
        // H.264: an IDR or a non-IDR slice, whole or as fragments.
        payload[0] = part === 0 ? (key ? 0x65 : 0x61) : 0x7c;
        payload[1] = part === 0 ? 0x80 : 0x05;
      }
      putU32(payload, 2, frame);
      putU16(payload, 6, part);
      putU16(payload, 8, parts);
      const index = this.videoIndex++;
      const last = part === parts - 1;
      packets.push([
        rtp(this.videoPayloadType, index, this.videoTime, this.videoSsrc, payload, last),
        index,
      ]);
    }
    return packets;
  }

  pushFrame(now: number, key = false, parts = 3, size = 1000, step = 3000): void {
    for (const [bytes, index] of this.packetsOfFrame(key, parts, size, step)) {
      this.publisher.put(this.video, bytes, index, now);
    }
    this.publisher.flush(now);
  }

  pushAudio(now: number, size = 80): void {
    const payload = new Uint8Array(size).fill(7);
    const index = this.audioIndex++;
    this.audioTime = (this.audioTime + 960) >>> 0;
    const bytes = rtp(109, index, this.audioTime, this.audioSsrc, payload, false, 0x1f);
    this.publisher.put(this.audio, bytes, index, now);
    this.publisher.flush(now);
  }
}

export function rtp(
  payloadType: number,
  sequenceNumber: number,
  timestamp: number,
  ssrc: number,
  payload: Uint8Array,
  marker: boolean,
  level = -1,
): Uint8Array {
  const extension = level < 0 ? [] : [0xbe, 0xde, 0, 1, 0x10, level, 0, 0];
  const bytes = new Uint8Array(12 + extension.length + payload.length);
  bytes[0] = level < 0 ? 0x80 : 0x90;
  bytes[1] = payloadType | (marker ? 0x80 : 0);
  putU16(bytes, 2, sequenceNumber & 0xffff);
  putU32(bytes, 4, timestamp);
  putU32(bytes, 8, ssrc);
  bytes.set(extension, 12);
  bytes.set(payload, 12 + extension.length);
  return bytes;
}

/** A hub in virtual time. */
export class World {
  readonly engine: PlaintextEngine = new PlaintextEngine();
  readonly hub: Hub;
  readonly events: { readonly at: number; readonly event: HubEvent }[] = [];
  readonly clock: { now: number } = { now: 1000 };

  constructor(limits: Partial<HubLimits> = {}) {
    this.hub = new Hub({ engine: this.engine, limits, wallClockAtZero: 1_800_000_000_000 });
  }

  get now(): number {
    return this.clock.now;
  }

  publish(client = "a", key = "live/test"): Source {
    const holder = this.hub.stream(key)?.publisher;
    if (holder?.client === client) holder.connected = false; // it reloads its page
    const publisher = this.hub.publish(name(key), client, this.now);
    if (typeof publisher === "string") throw new Error(publisher);
    return new Source(publisher);
  }

  subscribe(options: SubscriberOptions, key = "live/test"): Subscriber {
    const subscriber = this.hub.subscribe(name(key), options, this.now);
    if (typeof subscriber === "string") throw new Error(subscriber);
    return subscriber;
  }

  view(options: SubscriberOptions = { audio: audioOptions(), video: videoOptions() }): Viewer {
    return new Viewer(this.subscribe(options), this.engine.addSender(), this.clock);
  }

  /** Lets timers fire up to `now + millis`. */
  pass(millis: number): void {
    const end = this.clock.now + millis;
    for (;;) {
      this.drain();
      const next = this.hub.nextTimeout();
      if (next > end) break;
      this.clock.now = Math.max(this.clock.now, next);
      this.hub.handleTimeout(this.clock.now);
    }
    this.clock.now = end;
  }

  drain(): void {
    for (;;) {
      const event = this.hub.pollEvent();
      if (event === undefined) return;
      this.events.push({ at: this.clock.now, event });
    }
  }

  of<Type extends HubEvent["type"]>(
    type: Type,
  ): { readonly at: number; readonly event: Extract<HubEvent, { readonly type: Type }> }[] {
    this.drain();
    return this.events.filter((one) => one.event.type === type) as never;
  }
}

/**
 * 30 frames a second for `seconds`, audio every 20 ms; a keyframe first and then every `gop`
 * frames.
 */
export function play(world: World, source: Source, frames: number, gop = 1e9): void {
  for (let i = 0; i < frames; i++) {
    source.pushFrame(world.now, i % gop === 0);
    source.pushAudio(world.now);
    world.pass(33);
  }
}

export function assertContinuous(packets: readonly Seen[]): void {
  for (let i = 1; i < packets.length; i++) {
    const before = packets[i - 1]!.header.sequenceNumber;
    assert.equal(packets[i]!.header.sequenceNumber, (before + 1) & 0xffff, `packet ${i}`);
  }
}

export { equalBytes } from "./plaintext_engine.ts";
