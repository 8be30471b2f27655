import type { FrameFormat } from "../../stream/mod.ts";
import type { TsPayload } from "../../wire/mpegts/mod.ts";
import type { Mp4Run } from "../mp4/mod.ts";
import { CLOCK, Program } from "./program.ts";
import { SoundUnits } from "./sound_units.ts";

/** Samples of one track, timed as in MP4. */
export type TsRun = Mp4Run;

interface Unit {
  readonly dts: number;
  readonly payload: TsPayload | undefined;
}

/** Makes one stream's packets out of samples: its counters go on from run to run. */
export class TsMuxer {
  readonly #program = new Program();

  /** The tracks from now on, each of which `fitsTs`. */
  setFormats(formats: readonly FrameFormat[]): void {
    this.#program.setFormats(formats);
  }

  /** The packets of the runs' samples in order of decoding; with the tables first, if asked. */
  encode(runs: readonly TsRun[], withTables: boolean): Uint8Array<ArrayBuffer> {
    const program = this.#program;
    const units = runs.flatMap((run) => {
      const { kind } = run.track.format;
      if (!program.has(kind)) return [];
      return kind === "video" ? pictures(run, program) : sounds(run, program);
    });
    units.sort((a, b) => a.dts - b.dts);
    const payloads = units.flatMap(({ payload }) => payload ?? []);
    return program.encode(withTables ? [...program.tables, ...payloads] : payloads);
  }
}

function pictures({ track, baseTime, samples }: TsRun, program: Program): Unit[] {
  let ticks = baseTime;
  return samples.map(({ duration, compositionOffset, keyframe, data }) => {
    const dts = scaled(ticks, track.timescale);
    const pts = scaled(ticks + compositionOffset, track.timescale);
    ticks += duration;
    return { dts, payload: program.picture({ dts, pts, keyframe, data }) };
  });
}

/** Frames that follow each other share a PES packet. */
function sounds({ track, baseTime, samples }: TsRun, program: Program): Unit[] {
  const units: Unit[] = [];
  const gathered = new SoundUnits((dts, frames) =>
    units.push({ dts, payload: program.sound(dts, frames) }),
  );
  let ticks = baseTime;
  for (const { duration, data } of samples) {
    const dts = scaled(ticks, track.timescale);
    ticks += duration;
    gathered.put(dts, scaled(ticks, track.timescale), data);
  }
  gathered.flush();
  return units;
}

function scaled(ticks: number, timescale: number): number {
  return timescale === CLOCK ? ticks : Math.round((ticks * CLOCK) / timescale);
}
