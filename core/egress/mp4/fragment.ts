/**
 * The `moof` box of a fragment, read (ISO/IEC 14496-12 §8.8).
 *
 * ```
 *   moof: mfhd, traf: tfhd (defaults), tfdt (when it begins), trun (each sample)
 * ```
 *
 * @module
 */
import { Fault } from "../../base/mod.ts";
import { u32 } from "../../bytes/mod.ts";
import { boxesIn } from "./box.ts";

/** A fragment that is cut off, or not of the kind that is written here. */
export const FRAGMENT_DAMAGED: Fault = new Fault(
  "mp4",
  "fragment-damaged",
  "ISO/IEC 14496-12 §8.8",
);

/** Samples of one track that follow each other, in time and in the file. */
export interface DecodedRun {
  readonly trackId: number;
  /** When the first is decoded, in ticks. */
  readonly baseTime: number;
  /** From the first byte of `moof`. */
  readonly dataOffset: number;
  /** Of all samples together. */
  readonly bytes: number;
  readonly count: number;
  readonly durations: Uint32Array;
  readonly sizes: Uint32Array;
  readonly compositionOffsets: Int32Array;
  /** 1 for samples that decoding can begin with. */
  readonly keyframes: Uint8Array;
}

/** Samples of one fragment: a few bytes may tell any number. */
export const RUN_MAX_SAMPLES = 100_000;

const BASE_IS_MOOF = 0x02_0000;
/** Flags of `tfhd`, each with one field of so many words (§8.8.7). */
const HEADER_FIELDS = [
  [0x01, 2],
  [0x02, 1],
  [0x08, 1],
  [0x10, 1],
  [0x20, 1],
] as const;
const IS_NO_KEYFRAME = 0x1_0000;

interface Defaults {
  readonly trackId: number;
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

/** The runs of a `moof`, of which `body` is the contents. */
export function decodeFragment(body: Uint8Array): readonly DecodedRun[] | Fault {
  const runs: DecodedRun[] = [];
  let left = RUN_MAX_SAMPLES;
  for (const { type, body: traf } of boxesIn(body)) {
    if (type !== "traf") continue;
    let defaults: Defaults | undefined;
    let time: number | undefined;
    for (const inner of boxesIn(traf)) {
      if (inner.type === "tfhd") defaults = decodeHeader(inner.body);
      if (inner.type === "tfdt") time = decodeTime(inner.body);
      if (inner.type !== "trun") continue;
      if (defaults === undefined || time === undefined) return FRAGMENT_DAMAGED;
      const run = decodeRun(inner.body, defaults, time, left);
      if (run === undefined) return FRAGMENT_DAMAGED;
      left -= run.count;
      for (const duration of run.durations) time += duration;
      runs.push(run);
    }
  }
  return runs;
}

function decodeHeader(body: Uint8Array): Defaults | undefined {
  if (body.length < 8) return undefined;
  const flags = u32(body, 0) & 0xff_ffff;
  if ((flags & BASE_IS_MOOF) === 0) return undefined;
  const values = new Map<number, number>();
  let at = 8;
  for (const [flag, count] of HEADER_FIELDS) {
    if ((flags & flag) === 0) continue;
    if (body.length < at + count * 4) return undefined;
    values.set(flag, u32(body, at));
    at += count * 4;
  }
  return {
    trackId: u32(body, 4),
    duration: values.get(0x08) ?? 0,
    size: values.get(0x10) ?? 0,
    flags: values.get(0x20) ?? 0,
  };
}

function decodeTime(body: Uint8Array): number | undefined {
  if (body[0] !== 1) return body.length < 8 ? undefined : u32(body, 4);
  return body.length < 12 ? undefined : u32(body, 4) * 2 ** 32 + u32(body, 8);
}

function decodeRun(
  body: Uint8Array,
  defaults: Defaults,
  baseTime: number,
  maxSamples: number,
): DecodedRun | undefined {
  if (body.length < 12) return undefined;
  const flags = u32(body, 0) & 0xff_ffff;
  const count = u32(body, 4);
  // Without an offset the data would follow what came before, which nothing here writes.
  if ((flags & 1) === 0 || count > maxSamples) return undefined;
  const dataOffset = u32(body, 8) | 0;
  let at = (flags & 4) === 0 ? 12 : 16;
  const present = [0x100, 0x200, 0x400, 0x800].filter((flag) => (flags & flag) !== 0);
  if (body.length < at + present.length * 4 * count) return undefined;
  const next = (flag: number, absent: number): number => {
    if ((flags & flag) === 0) return absent;
    at += 4;
    return u32(body, at - 4);
  };
  const firstFlags = (flags & 4) === 0 ? undefined : u32(body, 12);
  const durations = new Uint32Array(count);
  const sizes = new Uint32Array(count);
  const compositionOffsets = new Int32Array(count);
  const keyframes = new Uint8Array(count);
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    durations[i] = next(0x100, defaults.duration);
    const size = next(0x200, defaults.size);
    sizes[i] = size;
    bytes += size;
    const own = next(0x400, (i === 0 ? firstFlags : undefined) ?? defaults.flags);
    keyframes[i] = (own & IS_NO_KEYFRAME) === 0 ? 1 : 0;
    compositionOffsets[i] = next(0x800, 0);
  }
  const trackId = defaults.trackId;
  return {
    trackId,
    baseTime,
    dataOffset,
    bytes,
    count,
    durations,
    sizes,
    compositionOffsets,
    keyframes,
  };
}
