/** The stream `live/demo`: a short clip of ours, sent into the hub as a publisher would. @module */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import { putU16 } from "../../core/bytes/mod.ts";
import type { Format } from "../../core/media/mod.ts";
import {
  type Hub,
  isBadStreamName,
  type Publisher,
  parseStreamName,
  type SourceTrack,
} from "../../core/stream/mod.ts";
import { encodeRtpHeader, RTP_HEADER_BYTES } from "../../core/wire/rtp/mod.ts";
import { demoClipBase64 } from "../assets.gen.ts";
import { type DemoClip, decodeDemoClip } from "./demo_clip.ts";

export const DEMO_APP = "live";
export const DEMO_STREAM = "demo";

const H264: Format = {
  codec: "h264",
  clockRate: 90_000,
  channels: 0,
  parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
};
const OPUS: Format = {
  codec: "opus",
  clockRate: 48_000,
  channels: 2,
  parameters: "minptime=10;useinbandfec=1",
};
const VIDEO_PAYLOAD_TYPE = 96;
const AUDIO_PAYLOAD_TYPE = 111;
/** RTP payload that fits every path with SRTP, extensions and framing. */
const PAYLOAD_MAX = 1150;
/** FU-A (RFC 6184 §5.8). */
const FU_A = 28;
/**
 * With the two bytes in front as much as a whole unit: so no unit fits one fragment, which must not
 * be.
 */
const FRAGMENT_MAX = PAYLOAD_MAX - 2;
/** Further behind than that (the machine slept), the clip goes on from now. */
const LATE_MAX: Millis = 1000;

export interface DemoOptions {
  readonly runtime: Pick<Runtime, "now" | "wakeAt">;
  readonly hub: Hub;
  /** The hub was fed: look at its events. */
  readonly afterInput: () => void;
}

export class Demo {
  readonly #options: DemoOptions;
  readonly #clip: DemoClip;
  readonly #video: Source;
  readonly #audio: Source;
  #publisher: Publisher | undefined;
  #timer: Disposable | undefined;
  #begun: Millis = 0;

  constructor(options: DemoOptions) {
    this.#options = options;
    this.#clip = decodeDemoClip(fromBase64(demoClipBase64));
    this.#video = new Source("video", H264, VIDEO_PAYLOAD_TYPE, 0x0de30001);
    this.#audio = new Source("audio", OPUS, AUDIO_PAYLOAD_TYPE, 0x0de30002);
  }

  start(): void {
    const { runtime, hub } = this.#options;
    const name = parseStreamName(DEMO_APP, DEMO_STREAM);
    if (isBadStreamName(name)) return;
    const publisher = hub.publish(name, "demo", runtime.now());
    if (typeof publisher === "string") return;
    publisher.way = "demo";
    publisher.addTrack(this.#video.track);
    publisher.addTrack(this.#audio.track);
    this.#publisher = publisher;
    this.#begun = runtime.now();
    this.#turn();
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#publisher?.end();
  }

  /** Sends what is due and sleeps until the next is. */
  #turn(): void {
    const { runtime, afterInput } = this.#options;
    const publisher = this.#publisher;
    if (publisher === undefined || publisher.ended) return;
    const now = runtime.now();
    const late = now - this.#begun - Math.min(this.#dueOf(this.#video), this.#dueOf(this.#audio));
    if (late > LATE_MAX) this.#begun += late;
    while (this.#begun + this.#dueOf(this.#audio) <= now) this.#sendAudio(publisher, now);
    while (this.#begun + this.#dueOf(this.#video) <= now) this.#sendVideo(publisher, now);
    publisher.flush(now);
    afterInput();
    const next = this.#begun + Math.min(this.#dueOf(this.#audio), this.#dueOf(this.#video));
    this.#timer = runtime.wakeAt(next, () => this.#turn());
  }

  /** When the source's next frame is due, in ms since the start. */
  #dueOf(source: Source): Millis {
    const frames = source === this.#video ? this.#clip.video : this.#clip.audio;
    const frame = frames[source.next % frames.length];
    const rounds = Math.floor(source.next / frames.length);
    return rounds * this.#clip.durationMillis + (frame?.timestampMillis ?? 0);
  }

  #sendAudio(publisher: Publisher, now: Millis): void {
    const due = this.#dueOf(this.#audio);
    const frame = this.#clip.audio[this.#audio.next++ % this.#clip.audio.length];
    if (frame !== undefined) this.#audio.send(publisher, due, frame.packet, 0, true, now);
  }

  #sendVideo(publisher: Publisher, now: Millis): void {
    const due = this.#dueOf(this.#video);
    const frame = this.#clip.video[this.#video.next++ % this.#clip.video.length];
    const units = frame?.nalUnits ?? [];
    for (const [i, unit] of units.entries())
      this.#sendUnit(publisher, due, unit, i === units.length - 1, now);
  }

  /** One NAL unit, whole or in FU-A fragments (RFC 6184 §5.6, §5.8). */
  #sendUnit(publisher: Publisher, due: Millis, unit: Uint8Array, last: boolean, now: Millis): void {
    const header = unit[0] ?? 0;
    if (unit.length <= PAYLOAD_MAX) {
      this.#video.send(publisher, due, unit, 0, last, now);
      return;
    }
    for (let at = 1; at < unit.length; at += FRAGMENT_MAX) {
      const piece = unit.subarray(at, at + FRAGMENT_MAX);
      const start = at === 1 ? 0x80 : 0;
      const end = at + FRAGMENT_MAX >= unit.length ? 0x40 : 0;
      const prefix = (((header & 0xe0) | FU_A) << 8) | start | end | (header & 0x1f);
      this.#video.send(publisher, due, piece, prefix, last && end !== 0, now);
    }
  }
}

/** One track of the clip as RTP. */
class Source {
  readonly track: SourceTrack;
  /** Frames sent, over all rounds. */
  next = 0;
  readonly #payloadType: number;
  readonly #ssrc: number;
  readonly #clockRate: number;
  #index = 0;

  constructor(kind: "audio" | "video", format: Format, payloadType: number, ssrc: number) {
    this.track = { kind, formats: new Map([[payloadType, format]]), extensions: new Map() };
    this.#payloadType = payloadType;
    this.#ssrc = ssrc;
    this.#clockRate = format.clockRate;
  }

  /** `prefix` is two bytes in front of the payload, none when 0. */
  send(
    publisher: Publisher,
    due: Millis,
    payload: Uint8Array,
    prefix: number,
    marker: boolean,
    now: Millis,
  ): void {
    const prefixBytes = prefix === 0 ? 0 : 2;
    const packet = new Uint8Array(RTP_HEADER_BYTES + prefixBytes + payload.length);
    const timestamp = Math.round((due * this.#clockRate) / 1000) >>> 0;
    const marks = marker && this.track.kind === "video";
    const sequenceNumber = this.#index & 0xffff;
    encodeRtpHeader(packet, 0, this.#payloadType, marks, sequenceNumber, timestamp, this.#ssrc);
    if (prefixBytes > 0) putU16(packet, RTP_HEADER_BYTES, prefix);
    packet.set(payload, RTP_HEADER_BYTES + prefixBytes);
    publisher.put(this.track, packet, this.#index++, now);
  }
}

function fromBase64(text: string): Uint8Array {
  const binary = atob(text.replaceAll("\n", ""));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
