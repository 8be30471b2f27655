/** A stream given by hand, and who takes it. @module */
import assert from "node:assert/strict";
import type { Frame, FrameFormat, FrameSink, StreamName } from "../../../core/stream/mod.ts";
import type { FrameSource, TapOptions } from "../../../server/frames/mod.ts";
import type { Coded } from "../codecs/tone.ts";

export const AAC: FrameFormat = {
  kind: "audio",
  codec: "aac",
  codecString: "mp4a.40.2",
  configuration: Uint8Array.of(0x11, 0x90),
  width: 0,
  height: 0,
  sampleRate: 48_000,
  channels: 2,
};
export const H264: FrameFormat = {
  ...AAC,
  kind: "video",
  codec: "h264",
  codecString: "avc1.42c01e",
  width: 640,
  height: 360,
  sampleRate: 0,
  channels: 0,
};

/** One stream, by hand; keeps what there was for who begins with the last keyframe. */
export class FakeSource implements FrameSource {
  readonly sinks: Set<FrameSink> = new Set();
  readonly kept: Frame[] = [];
  readonly formats: FrameFormat[] = [];

  tap(_: StreamName, { fromKeyframe }: TapOptions, sink: FrameSink): Disposable {
    for (const format of this.formats) sink.handleFormat(format);
    if (fromKeyframe) for (const frame of this.kept) sink.handleFrame(frame);
    this.sinks.add(sink);
    return { [Symbol.dispose]: () => void this.sinks.delete(sink) };
  }

  format(format: FrameFormat): void {
    this.formats.push(format);
    for (const sink of this.sinks) sink.handleFormat(format);
  }

  end(): void {
    this.formats.length = 0;
    this.kept.length = 0;
    for (const sink of [...this.sinks]) sink.handleEnd();
  }

  frame(frame: Frame): void {
    if (frame.kind === "video" && frame.keyframe) this.kept.length = 0;
    this.kept.push(frame);
    for (const sink of this.sinks) sink.handleFrame(frame);
  }

  picture(dts: number, keyframe: boolean): void {
    this.frame({ kind: "video", dts, pts: dts, keyframe, data: new Uint8Array(100) });
  }

  /** The packets of those ms, and a picture every 40 ms. */
  play(packets: readonly Coded[], from: number, to: number, gop = 2000): void {
    let picture = Math.ceil(from / 40) * 40;
    for (const { data, pts } of packets) {
      if (pts < from || pts >= to) continue;
      for (; picture <= pts; picture += 40) this.picture(picture, picture % gop === 0);
      this.frame({ kind: "audio", dts: pts, pts, keyframe: true, data });
    }
  }
}

export class Sink implements FrameSink {
  readonly formats: FrameFormat[] = [];
  readonly frames: Frame[] = [];
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

  of(kind: Frame["kind"]): Frame[] {
    return this.frames.filter((frame) => frame.kind === kind);
  }
}

export async function until(done: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 3000 && !done(); i++) await new Promise((go) => setTimeout(go, 10));
  assert.ok(done(), what);
}
