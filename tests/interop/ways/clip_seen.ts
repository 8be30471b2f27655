/** What the clip's flashes and beeps say about who decoded them. @module */
import type { Seen } from "./seen.ts";

/** Seconds of the stream that are looked at: the first ones of HLS may be silent, for sound that is late. */
export const SECONDS = 5.5;
/** Average luma of a flash; the picture between has half of it. */
const FLASH = 200;
/** dB, of a beep and of the silence between, which codecs do not leave at nothing. */
const BEEP = -24;
const QUIET = -36;

export type Picture = readonly [seconds: number, luma: number];
/** A slice of some ms; `crossings` of zero for each sample. */
export type Sound = readonly [seconds: number, dB: number, crossings: number];

/** `rate` in samples a second. */
export function clipSeen(
  pictures: readonly Picture[],
  sounds: readonly Sound[],
  rate: number,
): Pick<Seen, "frames" | "heard" | "hertz" | "apart"> {
  const flashes: number[] = [];
  let bright = true; // a flash that was there from the beginning says nothing
  for (const [time, luma] of pictures) {
    if (luma > FLASH && !bright) flashes.push(time);
    bright = luma > FLASH;
  }
  const beeps: number[] = [];
  const crossings: number[] = [];
  let quiet = false;
  for (const [time, level, crossed] of sounds) {
    if (level > BEEP) {
      if (quiet) beeps.push(time);
      quiet = false;
      crossings.push(crossed);
    } else if (Number.isNaN(level) || level < QUIET) quiet = true;
  }
  // The usual one: where a beep begins and ends there are others.
  const crossed = crossings.toSorted((a, b) => a - b)[crossings.length >> 1] ?? 0;
  return {
    frames: pictures.length,
    heard: crossings.length > 0,
    hertz: (crossed * rate) / 2,
    apart: apart(flashes, beeps),
  };
}

/** Of each flash how many ms the picture is behind its beep; those whose beep was not played are left out. */
function apart(flashes: readonly number[], beeps: readonly number[]): number[] {
  const all: number[] = [];
  for (const flash of flashes) {
    const off = beeps.map((beep) => (flash - beep) * 1000);
    const [least] = off.toSorted((a, b) => Math.abs(a) - Math.abs(b));
    if (least !== undefined && Math.abs(least) < 500) all.push(least);
  }
  return all;
}
