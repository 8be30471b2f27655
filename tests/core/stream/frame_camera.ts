/** A publisher whose packets may be lost or late, and what becomes of them as frames. @module */
import assert from "node:assert/strict";
import { putU32 } from "../../../core/bytes/mod.ts";
import { packetizeH264 } from "../../../core/media/h264/mod.ts";
import {
  type Frame,
  type FrameFormat,
  type FrameOptions,
  type FrameSink,
  Hub,
  type Publisher,
  type SourceTrack,
  type Stream,
} from "../../../core/stream/mod.ts";
import { ntpFromUnix } from "../../../core/wire/rtcp/mod.ts";
import { encodeRtpHeader, RTP_HEADER_BYTES } from "../../../core/wire/rtp/mod.ts";
import { H264, name, OPUS } from "./fixture.ts";
import { PlaintextEngine } from "./plaintext_engine.ts";

const SPS = Buffer.from("6742c01eda0280bfe5c044000003000400000300c83c58ba80", "hex");
const PPS = Buffer.from("68ce0fc8", "hex");
export const WALL = 1_700_000_000_000;

/** A publisher of H.264 and Opus, whose packets may be lost or late. */
export class Camera {
  readonly publisher: Publisher;
  readonly video: SourceTrack = {
    kind: "video",
    formats: new Map([[96, H264]]),
    extensions: new Map(),
  };
  readonly audio: SourceTrack = {
    kind: "audio",
    formats: new Map([[111, OPUS]]),
    extensions: new Map(),
  };
  readonly #index = { video: 1000, audio: 500 };
  /** Decides what becomes of a packet: `put` hands it in, now or later. */
  way: (put: () => void, index: number) => void = (put) => put();

  /** Stands in the last 4 bytes of each picture and packet of sound. */
  mark = 0;

  constructor(hub: Hub, now: number, client = "camera") {
    const publisher = hub.publish(name(), client, now);
    if (typeof publisher === "string") throw new Error(publisher);
    this.publisher = publisher;
    publisher.addTrack(this.video);
    publisher.addTrack(this.audio);
  }

  picture(timestamp: number, keyframe: boolean, now: number, size = 3000): void {
    const unit = new Uint8Array(size).fill(7);
    unit[0] = keyframe ? 0x65 : 0x41;
    putU32(unit, size - 4, this.mark);
    const units = keyframe ? [new Uint8Array(SPS), new Uint8Array(PPS), unit] : [unit];
    packetizeH264(units, 1100, (payload, last) =>
      this.#put("video", payload, timestamp, last, now),
    );
    this.publisher.flush(now);
  }

  /** A keyframe's parameter sets, then slices of 2 bytes each in a packet of its own, without a marker. */
  crumbs(timestamp: number, count: number, now: number): void {
    for (const unit of [SPS, PPS]) this.#put("video", unit, timestamp, false, now);
    for (let i = 0; i < count; i++) {
      this.#put("video", Uint8Array.of(0x65, 7), timestamp, false, now);
      if (i % 500 === 0) this.publisher.flush(now);
    }
    this.publisher.flush(now);
  }

  sound(timestamp: number, now: number): void {
    const payload = Uint8Array.of(0xfc, 0xff, 0xfe, 0, 0, 0, 0);
    putU32(payload, 3, this.mark);
    this.#put("audio", payload, timestamp, false, now);
    this.publisher.flush(now);
  }

  report(wall: number, video: number, audio: number, now: number): void {
    this.publisher.handleSenderReport(1, ntpFromUnix(wall), video >>> 0, now);
    this.publisher.handleSenderReport(2, ntpFromUnix(wall), audio >>> 0, now);
  }

  #put(
    kind: "video" | "audio",
    payload: Uint8Array,
    timestamp: number,
    marker: boolean,
    now: number,
  ): void {
    const index = this.#index[kind]++;
    const packet = new Uint8Array(RTP_HEADER_BYTES + payload.length);
    const [type, ssrc] = kind === "video" ? [96, 1] : [111, 2];
    encodeRtpHeader(packet, 0, type, marker, index & 0xffff, timestamp >>> 0, ssrc);
    packet.set(payload, RTP_HEADER_BYTES);
    this.way(() => this.publisher.put(this[kind], packet, index, now), index);
  }
}

/** Keeps all it is told. */
export class Recorder implements FrameSink {
  readonly formats: FrameFormat[] = [];
  frames: Frame[] = [];
  ends = 0;

  handleFormat(format: FrameFormat): void {
    this.formats.push(format);
  }

  handleFrame(frame: Frame): void {
    this.frames.push(frame);
  }

  handleEnd(): void {
    this.ends++;
  }

  of(kind: "audio" | "video"): Frame[] {
    return this.frames.filter((frame) => frame.kind === kind);
  }
}

export const newHub = (frames: Partial<FrameOptions> = {}): Hub =>
  new Hub({ engine: new PlaintextEngine(), wallClockAtZero: WALL, frames });
export const tap = (hub: Hub, sink: FrameSink, now: number, fromKeyframe = true): Stream => {
  const stream = hub.tap(name(), sink, fromKeyframe, now);
  assert.ok(stream);
  return stream;
};
export const keyframesAsked = (hub: Hub): number => {
  let asked = 0;
  for (let event = hub.pollEvent(); event; event = hub.pollEvent()) {
    if (event.type === "keyframe-request") asked++;
  }
  return asked;
};
