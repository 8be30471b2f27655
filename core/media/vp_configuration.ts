/** The configuration of VP8 and VP9 in files (VP Codec ISO Media File Format Binding v1.0). @module */
import type { CodedFormat } from "./coded.ts";

/** Luma samples of a picture each level takes, and the level times ten (§ "Level"). */
const LEVELS: readonly (readonly [samples: number, level: number])[] = [
  [36_864, 10],
  [73_728, 11],
  [122_880, 20],
  [245_760, 21],
  [552_960, 30],
  [983_040, 31],
  [2_228_224, 40],
  [8_912_896, 50],
  [35_651_584, 60],
];
/** Unspecified (ISO/IEC 23091-4): colour primaries, transfer, matrix. */
const UNSPECIFIED = 2;
/** 4:2:0 with samples where luma is. */
const SUBSAMPLING_420 = 1;

export function vpFormat(
  entry: "vp08" | "vp09",
  profile: number,
  bitDepth: number,
  width: number,
  height: number,
): CodedFormat {
  const level = LEVELS.find(([samples]) => width * height <= samples)?.[1] ?? 62;
  const configuration = Uint8Array.of(
    ...[profile, level, (bitDepth << 4) | (SUBSAMPLING_420 << 1)],
    ...[UNSPECIFIED, UNSPECIFIED, UNSPECIFIED, 0, 0],
  );
  const numbers = [profile, level, bitDepth].map((number) => String(number).padStart(2, "0"));
  return { configuration, codecString: [entry, ...numbers].join("."), width, height };
}
