import type { Millis } from "../../base/mod.ts";
import type { Frame, FrameFormat } from "../../stream/mod.ts";
import { type Mp4Run, type Mp4Sample, type Mp4Track, timescaleOf } from "./sample.ts";

/** How long a frame lasts when nothing tells. */
const USUAL_MILLIS: Millis = 20;

interface Kept extends Mp4Sample {
  readonly dts: Millis;
  readonly ticks: number;
}

/** One track's frames on their way into parts: how long one lasts is known when the next comes. */
export class Lane {
  readonly track: Mp4Track;
  /** Time 0 of the tracks, on the clock of frames. */
  readonly #origin: Millis;
  #pending: Frame | undefined;
  #pendingTicks = 0;
  #samples: Kept[] = [];
  readonly #start: Millis;
  /** When the newest frame is decoded; before there is one, where the track begins. */
  last: Millis;
  /** Between the newest two. */
  interval: Millis = USUAL_MILLIS;

  constructor(id: number, format: FrameFormat, origin: Millis, start: Millis) {
    this.#start = start;
    this.last = start;
    this.track = { id, format, timescale: timescaleOf(format) };
    this.#origin = origin;
  }

  get format(): FrameFormat {
    return this.track.format;
  }

  /** Sound from before the start, as transcoders give it late, is left out. */
  put(frame: Frame): void {
    if (frame.dts < this.#start) return;
    const ticks = this.#ticksOf(frame.dts);
    this.#close(ticks);
    if (frame.dts > this.last) this.interval = frame.dts - this.last;
    this.last = frame.dts;
    this.#pending = frame;
    this.#pendingTicks = ticks;
  }

  /** Ends the newest frame at `at`, or where it would usually end. */
  finish(at: Millis = this.last + this.interval): void {
    this.#close(Math.max(this.#pendingTicks + 1, this.#ticksOf(at)));
  }

  /** Takes the samples decoded before `until`; `undefined` when there are none. */
  take(until: Millis): Mp4Run | undefined {
    const end = this.#samples.findIndex(({ dts }) => dts >= until);
    const count = end < 0 ? this.#samples.length : end;
    if (count === 0) return undefined;
    const samples = this.#samples.slice(0, count);
    this.#samples = this.#samples.slice(count);
    return { track: this.track, baseTime: samples[0]?.ticks ?? 0, samples };
  }

  #close(nextTicks: number): void {
    const frame = this.#pending;
    if (frame === undefined) return;
    this.#pending = undefined;
    const { dts, pts, keyframe, data } = frame;
    const ticks = this.#pendingTicks;
    this.#samples.push({
      dts,
      ticks,
      duration: Math.max(0, nextTicks - ticks),
      compositionOffset: Math.round(((pts - dts) * this.track.timescale) / 1000),
      keyframe,
      data,
    });
  }

  #ticksOf(dts: Millis): number {
    return Math.max(0, Math.round(((dts - this.#origin) * this.track.timescale) / 1000));
  }
}
