/** A publisher of several layers in virtual time. @module */
import { putU16, putU32 } from "../../../core/bytes/mod.ts";
import type { Publisher, SourceTrack } from "../../../core/stream/mod.ts";
import { H264, LEVEL, name, OPUS, rtp, TWCC, VP8, type World } from "./fixture.ts";

export interface LayerOptions {
  readonly rid: string;
  readonly width: number;
  readonly height: number;
  /** Packets of a frame, 1000 bytes each. */
  readonly parts: number;
  /** Default 100, VP8; 101 is H.264, which tells no size here. */
  readonly payloadType?: number;
}

export const LAYERS: readonly LayerOptions[] = [
  { rid: "q", width: 320, height: 180, parts: 1 },
  { rid: "h", width: 640, height: 360, parts: 3 },
  { rid: "f", width: 1280, height: 720, parts: 9 },
];

/** One SSRC: numbered frames of VP8, whose keyframes tell their size. */
export class LayerSource {
  readonly track: SourceTrack;
  readonly options: LayerOptions;
  /** A layer that is not on sends nothing. */
  on = true;
  ssrc: number;
  index: number;
  /** Ticks at time 0: each SSRC begins anywhere (RFC 3550 §5.1). */
  timestampAtZero: number;
  frame = 0;
  wantsKey = true;

  constructor(track: SourceTrack, options: LayerOptions, at: number) {
    this.track = track;
    this.options = options;
    this.ssrc = 0xa000 + at;
    this.index = 65_530 - at * 9000;
    this.timestampAtZero = (0xfff0_0000 + at * 0x3456_7890) >>> 0;
  }

  timestamp(at: number): number {
    return (this.timestampAtZero + Math.round(at * 90)) >>> 0;
  }

  /** Packets of a picture taken at `captured`. */
  packets(captured: number, key: boolean): [Uint8Array, number][] {
    const { parts, width, height, payloadType = 100 } = this.options;
    const frame = this.frame++;
    const out: [Uint8Array, number][] = [];
    for (let part = 0; part < parts; part++) {
      const payload = new Uint8Array(1000);
      payload[0] = part === 0 ? 0x10 : 0x00;
      payload[1] = key ? 0x10 : 0x11;
      if (part === 0 && key) {
        payload.set([0x10, 0, 0, 0x9d, 0x01, 0x2a, width & 0xff, width >> 8], 1);
        payload.set([height & 0xff, height >> 8], 9);
      }
      if (payloadType === 101) {
        payload[0] = part === 0 ? (key ? 0x65 : 0x61) : 0x7c;
        payload[1] = part === 0 ? 0x80 : 0x05;
      }
      payload.set(new TextEncoder().encode(this.options.rid), 20);
      putU32(payload, 24, frame);
      putU16(payload, 28, part);
      const index = this.index++;
      const last = part === parts - 1;
      out.push([
        rtp(payloadType, index, this.timestamp(captured), this.ssrc, payload, last),
        index,
      ]);
    }
    return out;
  }
}

/** What a payload says it is. */
export function layerOf(payload: Uint8Array): {
  readonly rid: string;
  readonly frame: number;
  readonly key: boolean;
  readonly start: boolean;
} {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    rid: String.fromCharCode(payload[20] ?? 0),
    frame: view.getUint32(24),
    key: ((payload[1] ?? 1) & 1) === 0,
    start: payload[0] === 0x10,
  };
}

/** Between two calls of what a test does while it plays. */
const STEP_MILLIS = 10;

export class Simulcast {
  readonly publisher: Publisher;
  readonly layers: readonly LayerSource[];
  readonly audio: SourceTrack;
  audioIndex = 1;

  constructor(world: World, layers: readonly LayerOptions[] = LAYERS, client = "a") {
    const publisher = world.hub.publish(name(), client, world.now);
    if (typeof publisher === "string") throw new Error(publisher);
    this.publisher = publisher;
    this.#read = world.of("keyframe-request").length;
    const formats = new Map([
      [100, VP8],
      [101, H264],
    ]);
    const extensions = new Map([[TWCC, 5]]);
    this.layers = layers.map((options, at) => {
      const track: SourceTrack = { kind: "video", rid: options.rid, formats, extensions };
      publisher.addTrack(track);
      return new LayerSource(track, options, at);
    });
    this.audio = {
      kind: "audio",
      formats: new Map([[109, OPUS]]),
      extensions: new Map([[LEVEL, 1]]),
    };
    publisher.addTrack(this.audio);
  }

  layer(rid: string): LayerSource {
    const found = this.layers.find(({ options }) => options.rid === rid);
    if (found === undefined) throw new Error(rid);
    return found;
  }

  /** A picture on every layer that is on, the smallest first, 3 ms apart. */
  picture(world: World): void {
    const captured = world.now;
    for (const layer of this.layers) {
      if (!layer.on) continue;
      for (const [bytes, index] of layer.packets(captured, layer.wantsKey)) {
        this.publisher.put(layer.track, bytes, index, world.now);
      }
      layer.wantsKey = false;
      this.publisher.flush(world.now);
      world.pass(3);
    }
  }

  sound(world: World): void {
    const index = this.audioIndex++;
    const bytes = rtp(109, index, index * 960, 0xbbbb, new Uint8Array(80), false);
    this.publisher.put(this.audio, bytes, index, world.now);
    this.publisher.flush(world.now);
  }

  /** Sender reports of every layer and of audio: one NTP clock, a timestamp each. */
  report(world: World): void {
    const now = world.now;
    const ntp = {
      seconds: 3_900_000_000 + Math.floor(now / 1000),
      fraction: ((now % 1000) / 1000) * 2 ** 32,
    };
    for (const layer of this.layers) {
      this.publisher.handleSenderReport(layer.ssrc, ntp, layer.timestamp(now), now);
    }
    this.publisher.handleSenderReport(0xbbbb, ntp, Math.round(now * 48), now);
  }

  /** 25 pictures a second for `millis`, `each` every so often; keyframes 60 ms after they are asked for. */
  play(world: World, millis: number, each?: () => void): void {
    const end = world.now + millis;
    while (world.now < end) {
      const next = world.now + 40;
      this.#obey(world);
      this.picture(world);
      this.sound(world);
      while (world.now < next) {
        each?.();
        world.pass(Math.min(STEP_MILLIS, next - world.now));
      }
    }
  }

  readonly asked: { readonly at: number; readonly rid: string }[] = [];
  #read: number;

  #obey(world: World): void {
    for (const { at, event } of world.of("keyframe-request").slice(this.#read)) {
      this.#read++;
      const layer = this.layers.find(({ ssrc }) => ssrc === event.ssrc);
      if (layer === undefined) throw new Error(`nobody has SSRC ${event.ssrc}`);
      this.asked.push({ at, rid: layer.options.rid });
      layer.wantsKey = true;
    }
  }
}
