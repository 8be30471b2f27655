import type { Millis } from "../base/mod.ts";
import type { Frame, FrameFormat } from "./frame.ts";
import { GopMeter } from "./gop_meter.ts";
import { RateMeter } from "./rate_meter.ts";

/** What a publisher who has frames gives of one kind, measured. */
export class GivenTrack {
  format: FrameFormat;
  bytes = 0;
  frames = 0;
  keyframes = 0;
  readonly byteRate: RateMeter = new RateMeter();
  readonly frameRate: RateMeter = new RateMeter();
  readonly gop: GopMeter = new GopMeter();
  #lastPts: Millis = Number.NEGATIVE_INFINITY;

  constructor(format: FrameFormat) {
    this.format = format;
  }

  count({ kind, pts, keyframe, data }: Frame, now: Millis): void {
    this.bytes += data.length;
    this.frames++;
    this.byteRate.add(data.length, now);
    this.frameRate.add(1, now);
    if (kind === "audio") return;
    if (pts < this.#lastPts) this.gop.reordered(now);
    this.#lastPts = pts;
    if (!keyframe) return;
    this.keyframes++;
    this.gop.keyframe(pts, this.frames, now);
  }
}
