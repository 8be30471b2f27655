/** Frames for a cast, and the tags of what it makes. @module */
import assert from "node:assert/strict";
import { concat, u24, u32 } from "../../../../core/bytes/mod.ts";
import { type FlvCast, type FlvViewer, flvCast } from "../../../../core/egress/flv/mod.ts";
import type { Frame, FrameCodec, FrameFormat } from "../../../../core/stream/mod.ts";

export const LAG: number = 5000;

export function format(
  codec: FrameCodec,
  configuration: readonly number[] = [1, 2, 3],
): FrameFormat {
  const sound = codec === "aac" || codec === "opus" || codec === "mp3";
  return {
    kind: sound ? "audio" : "video",
    codec,
    codecString: codec,
    configuration: Uint8Array.from(configuration),
    width: sound ? 0 : 640,
    height: sound ? 0 : 360,
    sampleRate: sound ? 48_000 : 0,
    channels: sound ? 2 : 0,
  };
}

export function picture(dts: number, keyframe = false, size = 100, late = 0): Frame {
  return { kind: "video", dts, pts: dts + late, keyframe, data: new Uint8Array(size).fill(7) };
}

export function sound(dts: number): Frame {
  return { kind: "audio", dts, pts: dts, keyframe: true, data: Uint8Array.of(9, 9) };
}

export interface Tag {
  type: number;
  timestamp: number;
  body: Uint8Array;
}

/** Tags of a file, whose sizes before and behind must agree. */
export function tagsOf(bytes: Uint8Array): Tag[] {
  const tags: Tag[] = [];
  let at = Buffer.from(bytes.subarray(0, 3)).toString("latin1") === "FLV" ? 13 : 0;
  while (at < bytes.length) {
    const size = u24(bytes, at + 1);
    const timestamp = u24(bytes, at + 4) + (bytes[at + 7] ?? 0) * 2 ** 24;
    tags.push({ type: bytes[at] ?? 0, timestamp, body: bytes.subarray(at + 11, at + 11 + size) });
    assert.equal(u32(bytes, at + 11 + size), size + 11, "PreviousTagSize");
    at += size + 15;
  }
  return tags;
}

interface MadeOptions {
  readonly opus?: boolean;
  readonly lagMillis?: number;
  readonly gopCache?: boolean;
}

export function made({
  opus = false,
  lagMillis = LAG,
  gopCache = true,
}: MadeOptions = {}): FlvCast {
  return flvCast({ server: "test", opus, lagMillis, gopCache, onPending: () => {} });
}

/** Everything that the viewer can have now. */
export function all(cast: FlvCast, viewer: FlvViewer, now: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let one = cast.poll(viewer, now); one; one = cast.poll(viewer, now)) parts.push(one);
  return concat(parts);
}

export const shown = ({ type, timestamp, body }: Tag): string =>
  `${type}@${timestamp}:${body.length}`;
