/** A stream of frames that a test gives out by hand, and requests for what is made of it. @module */
import {
  type FrameFormat,
  type FrameSink,
  parseStreamName,
  type StreamName,
} from "../../../core/stream/mod.ts";
import type { FrameSource, TapOptions } from "../../../server/frames/mod.ts";
import { H264, OPUS } from "../../core/egress/hls/stage.ts";

export function nameOf(text: string): StreamName {
  const [app = "", stream = ""] = text.split("/");
  return parseStreamName(app, stream) as StreamName;
}

/** Publishes to every tap at once. */
export class Feed implements FrameSource {
  readonly taps: { readonly name: StreamName; readonly options: TapOptions; sink: FrameSink }[] =
    [];
  #at = 1_767_225_600_000;

  tap(name: StreamName, options: TapOptions, sink: FrameSink): Disposable {
    const tap = { name, options, sink };
    this.taps.push(tap);
    return { [Symbol.dispose]: () => void this.taps.splice(this.taps.indexOf(tap), 1) };
  }

  formats(sound: FrameFormat = OPUS, pictures: FrameFormat = H264): void {
    for (const { sink } of this.taps) {
      sink.handleFormat(pictures);
      sink.handleFormat(sound);
    }
  }

  /** So many ms more, 25 pictures a second with a keyframe every 2 s, each of `bytes`. */
  play(millis: number, bytes = 100, { sound = true }: { readonly sound?: boolean } = {}): void {
    const until = this.#at + millis;
    for (; this.#at < until; this.#at += 20) {
      const [dts, pts] = [this.#at, this.#at];
      const data = new Uint8Array(bytes).fill(7);
      for (const { sink } of this.taps) {
        if (this.#at % 40 === 0)
          sink.handleFrame({ kind: "video", dts, pts, keyframe: this.#at % 2000 === 0, data });
        if (sound)
          sink.handleFrame({ kind: "audio", dts, pts, keyframe: true, data: data.subarray(0, 50) });
      }
    }
  }

  end(): void {
    for (const { sink } of this.taps) sink.handleEnd();
  }
}
