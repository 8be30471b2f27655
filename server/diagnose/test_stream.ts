/**
 * A stream of a set rate and nothing to see: VP8 key frames of 64x36, filled up with zeros behind
 * what a decoder reads. Every frame is a key frame, so that a viewer who cannot take all of it gets
 * each frame he can.
 *
 * @module
 */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { Format } from "../../core/media/mod.ts";
import type { Hub, Publisher, SourceTrack, StreamName } from "../../core/stream/mod.ts";
import { encodeRtpHeader, RTP_HEADER_BYTES } from "../../core/wire/rtp/mod.ts";

const VP8: Format = { codec: "vp8", clockRate: 90_000, channels: 0, parameters: "" };
const PAYLOAD_TYPE = 96;
const SSRC = 0xd1a60001;
const FRAME_MILLIS: Millis = 33;
/** RTP payload that fits every path with SRTP, extensions and framing. */
const PAYLOAD_MAX = 1150;
/** VP8 payload descriptor (RFC 7741 §4.2): the first packet of a frame has S set. */
const FIRST = 0x10;
const FURTHER = 0x00;

/** One colour, by libvpx. The last partition has no length: bytes behind it are not read. */
const KEY_FRAME: Uint8Array = bytesOf(
  "1003009d012a40002400004708858588998488020202" +
    "75aa0206e640fdf426cf2e00feff39c6ffe59ff9fdf177a9cffb8ec0dd7788",
);

export interface TestStreamOptions {
  readonly runtime: Pick<Runtime, "now" | "wakeAt">;
  readonly hub: Hub;
  /** The hub was fed: look at its events. */
  readonly afterInput: () => void;
}

export class TestStream {
  readonly #options: TestStreamOptions;
  readonly #publisher: Publisher;
  readonly #track: SourceTrack;
  readonly #frameBytes: number;
  #index = 0;
  #timer: Disposable | undefined;
  #begun: Millis = 0;
  #frames = 0;

  private constructor(options: TestStreamOptions, publisher: Publisher, kbps: number) {
    this.#options = options;
    this.#publisher = publisher;
    this.#frameBytes = Math.max(KEY_FRAME.length, Math.round((kbps / 8) * FRAME_MILLIS));
    this.#track = {
      kind: "video",
      formats: new Map([[PAYLOAD_TYPE, VP8]]),
      extensions: new Map(),
    };
    publisher.addTrack(this.#track);
  }

  /** Claims `name`; its first frame tells the hub the codec. `undefined` when the hub has no room. */
  static open(options: TestStreamOptions, name: StreamName, kbps: number): TestStream | undefined {
    const now = options.runtime.now();
    const publisher = options.hub.publish(name, `diagnose ${name.key}`, now);
    if (typeof publisher === "string") return undefined;
    publisher.way = "diagnose";
    const stream = new TestStream(options, publisher, kbps);
    stream.#sendFrame(now);
    stream.#flush(now);
    return stream;
  }

  /** Sends from now on, until `end`. */
  begin(): void {
    if (this.#timer !== undefined) return;
    this.#begun = this.#options.runtime.now();
    this.#turn();
  }

  end(): void {
    this.#timer?.[Symbol.dispose]();
    this.#publisher.end();
    this.#options.afterInput();
  }

  #turn(): void {
    if (this.#publisher.ended) return;
    const { runtime } = this.#options;
    const now = runtime.now();
    // What a busy machine was late with is not made up for: the rate is a bound.
    this.#begun = Math.max(this.#begun, now - this.#frames * FRAME_MILLIS);
    this.#sendFrame(now);
    this.#flush(now);
    const next = this.#begun + this.#frames * FRAME_MILLIS;
    this.#timer = runtime.wakeAt(next, () => this.#turn());
  }

  #sendFrame(now: Millis): void {
    const timestamp = Math.round(now * 90) >>> 0;
    this.#frames++;
    for (let at = 0; at < this.#frameBytes; ) {
      const size = Math.min(PAYLOAD_MAX - 1, this.#frameBytes - at);
      const packet = new Uint8Array(RTP_HEADER_BYTES + 1 + size);
      const last = at + size === this.#frameBytes;
      encodeRtpHeader(packet, 0, PAYLOAD_TYPE, last, this.#index & 0xffff, timestamp, SSRC);
      packet[RTP_HEADER_BYTES] = at === 0 ? FIRST : FURTHER;
      if (at === 0) packet.set(KEY_FRAME.subarray(0, size), RTP_HEADER_BYTES + 1);
      this.#publisher.put(this.#track, packet, this.#index++, now);
      at += size;
    }
  }

  #flush(now: Millis): void {
    this.#publisher.flush(now);
    this.#options.afterInput();
  }
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
