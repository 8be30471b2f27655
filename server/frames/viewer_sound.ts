import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { Format } from "../../core/media/mod.ts";
import type { Frame, Hub, Publisher, Stream } from "../../core/stream/mod.ts";
import { ntpFromUnix } from "../../core/wire/rtcp/mod.ts";
import { randomSsrc } from "../rtc/context.ts";
import { RtpWriter } from "../rtmp/rtp_writer.ts";
import type { TranscodedFrames } from "./transcoded_frames.ts";

export interface ViewerSoundOptions {
  readonly runtime: Runtime;
  readonly hub: Hub;
  readonly frames: Pick<TranscodedFrames, "tapSound">;
  /** To be called after anything that may have changed the hub. */
  readonly drain: () => void;
}

/** How often it is looked which streams' viewers need sound made for them. */
export const LOOK_MILLIS: Millis = 250;
/** How long it is made after the last one has left: he may only be reloading his page. */
const LINGER_MILLIS: Millis = 5000;
const REPORT_MILLIS: Millis = 2000;

const OPUS: Format = {
  codec: "opus",
  clockRate: 48_000,
  channels: 2,
  parameters: "minptime=10;useinbandfec=1",
};

/**
 * Opus for the WebRTC viewers of publishers whose sound comes as frames and is not for WebRTC: AAC and
 * MP3 of RTMP. It is made while there are such viewers, and goes into the hub as the publisher's own.
 */
export class ViewerSound {
  readonly #options: ViewerSoundOptions;
  readonly #tracks = new Map<Publisher, OpusTrack>();
  #timer: Disposable | undefined;

  constructor(options: ViewerSoundOptions) {
    this.#options = options;
  }

  start(): void {
    const { runtime } = this.#options;
    this.#timer = runtime.wakeAt(runtime.now() + LOOK_MILLIS, () => {
      this.look();
      this.start();
    });
  }

  close(): void {
    this.#timer?.[Symbol.dispose]();
    for (const track of this.#tracks.values()) track.stop();
    this.#tracks.clear();
  }

  /** Begins and ends what is needed and what is not. */
  look(): void {
    const now = this.#options.runtime.now();
    for (const stream of this.#options.hub.streams()) {
      const { publisher } = stream;
      if (publisher === undefined || this.#tracks.has(publisher)) continue;
      if (!needsOpus(stream)) continue;
      // Sound in RTP of his own wins.
      if (publisher.audio !== undefined) continue;
      this.#tracks.set(publisher, new OpusTrack(this.#options, publisher));
    }
    for (const [publisher, track] of this.#tracks) {
      if (publisher.ended) {
        track.stop();
        this.#tracks.delete(publisher);
      } else track.look(now);
    }
  }
}

function needsOpus(stream: Stream): boolean {
  const codec = stream.given("audio")?.format.codec;
  return codec === "aac" || codec === "mp3";
}

/** One publisher's Opus as RTP. */
class OpusTrack {
  readonly #options: ViewerSoundOptions;
  readonly #publisher: Publisher;
  readonly #writer: RtpWriter;
  #tap: Disposable | undefined;
  #idleAt: Millis = 0;
  /** Of the frame before. */
  #last: { readonly pts: number; readonly time: number } | undefined;
  #reportAt: Millis = 0;

  constructor(options: ViewerSoundOptions, publisher: Publisher) {
    this.#options = options;
    this.#publisher = publisher;
    this.#writer = new RtpWriter(publisher, OPUS, randomSsrc(options.runtime));
  }

  look(now: Millis): void {
    const { viewers } = this.#publisher.stream;
    if (viewers.some(({ audio }) => audio !== undefined)) {
      this.#idleAt = now + LINGER_MILLIS;
      this.#start();
    } else if (now >= this.#idleAt) this.stop();
  }

  stop(): void {
    this.#tap?.[Symbol.dispose]();
    this.#tap = undefined;
  }

  #start(): void {
    if (this.#tap !== undefined) return;
    this.#reportAt = 0;
    this.#tap = this.#options.frames.tapSound(this.#publisher.stream.name, "opus", {
      handleFormat: () => {},
      handleFrame: (frame) => this.#put(frame),
    });
  }

  #put({ pts, data }: Frame): void {
    if (this.#publisher.ended) return;
    const { runtime, drain } = this.#options;
    const now = runtime.now();
    const time = this.#timestamp(pts);
    this.#writer.put(data, time, false, now);
    if (now >= this.#reportAt) {
      this.#reportAt = now + REPORT_MILLIS;
      // Behind the first packet, which makes its source known, and before viewers get it.
      this.#publisher.handleSenderReport(this.#writer.ssrc, ntpFromUnix(pts), time, now);
    }
    this.#publisher.flush(now);
    drain();
  }

  /** Of RTP: what rounding does to `pts` does not add up, and does not show in a step of 20 ms. */
  #timestamp(pts: number): number {
    const last = this.#last;
    const step = last === undefined ? 0 : Math.round((pts - last.pts) * 48);
    const time = last === undefined ? Math.round(pts * 48) % 2 ** 32 : (last.time + step) % 2 ** 32;
    this.#last = { pts, time };
    return time;
  }
}
