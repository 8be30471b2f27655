/** A stream of pictures and sound for `tsCast`, and viewers of it. @module */
import { concat } from "../../../../core/bytes/mod.ts";
import type { CastOptions, CastViewer } from "../../../../core/egress/cast/mod.ts";
import { type TsCast, type TsPackets, tsCast } from "../../../../core/egress/ts/mod.ts";
import type { Frame } from "../../../../core/stream/mod.ts";
import { readTs } from "./packet_rules.ts";
import { picture } from "./stage.ts";

export const VIDEO = 0x100;
export const AUDIO = 0x101;
/** How long a frame of AAC at 48 kHz is, in ms. */
export const SOUND: number = 1024 / 48;

export type Viewer = CastViewer<TsPackets>;

export function made(options: Partial<CastOptions> = {}): TsCast {
  return tsCast({ lagMillis: 5000, onPending: () => {}, ...options });
}

export function shown(dts: number, keyframe = false, bytes = 500, late = 0): Frame {
  const data = picture(bytes, keyframe ? 0x65 : 0x41);
  return { kind: "video", dts, pts: dts + late, keyframe, data };
}

export function heard(dts: number, bytes = 170): Frame {
  return { kind: "audio", dts, pts: dts, keyframe: true, data: new Uint8Array(bytes).fill(9) };
}

/** Everything that the viewer can have now. */
export function all(cast: TsCast, viewer: Viewer, now: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let one = cast.poll(viewer, now); one; one = cast.poll(viewer, now)) parts.push(one);
  return concat(parts);
}

/** 25 pictures a second, a keyframe a second, and sound; flushed every 100 ms, and `flushed` is called. */
export class Show {
  readonly cast: TsCast;
  readonly #flushed: (now: number) => void;
  readonly #viewers: readonly Viewer[];
  #sound: number;

  constructor(
    cast: TsCast,
    from: number,
    viewers: readonly Viewer[],
    flushed: (now: number) => void,
  ) {
    this.cast = cast;
    this.#sound = from;
    this.#viewers = viewers;
    this.#flushed = flushed;
  }

  run(from: number, to: number): void {
    for (let now = from; now < to; now += 20) {
      if (now % 40 === 0) this.cast.handleFrame(shown(now, now % 1000 === 0));
      for (; this.#sound < now; this.#sound += SOUND) this.cast.handleFrame(heard(this.#sound));
      if (now % 100 !== 80) continue;
      this.cast.flush(now);
      this.#flushed(now);
      this.cast.trim(this.#viewers, now);
    }
  }
}

export function pesOf(
  bytes: Uint8Array,
  pid: number,
): { pts: number; dts: number; bytes: number }[] {
  return readTs(bytes)
    .packets.filter((one) => one.pid === pid)
    .map(({ pts, dts, payload }) => ({ pts, dts, bytes: payload.length }));
}
