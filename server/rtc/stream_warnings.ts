/** What a person should change at a publisher, in words. @module */
import type { Millis } from "../../core/base/mod.ts";
import type { Stream, StreamStats } from "../../core/stream/mod.ts";

/** Encoders who cannot be asked for keyframes should send them at least so often. */
const LONG_GOP_MILLIS: Millis = 5000;

/** The publisher's own warnings, and those that the figures give. */
export function streamWarnings({ publisher }: Stream, stats: StreamStats): readonly string[] {
  if (publisher === undefined) return [];
  const warnings = [...publisher.warnings];
  const { gop, bFrames } = stats.given.video ?? stats.video ?? {};
  if (bFrames === true && !warnings.some((words) => /b-?frames/i.test(words))) {
    warnings.push(
      "It sends B-frames, which WebRTC viewers see stutter: set bframes=0 in the encoder",
    );
  }
  if (publisher.way === "rtmp" && gop !== undefined && gop.millis > LONG_GOP_MILLIS) {
    const seconds = Math.round(gop.millis / 1000);
    warnings.push(
      `Its keyframes are ${seconds} s apart, so that viewers begin late and HLS is late: set the encoder's keyframe interval to 2 s`,
    );
  }
  return warnings;
}
