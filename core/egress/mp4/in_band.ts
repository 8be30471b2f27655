/**
 * Pictures whose format changes inside one track: then what a decoder must know stands in the keyframes
 * themselves, which `avc3` and `hev1` tell (ISO/IEC 14496-15 §5.3.3, §8.3.3). AV1 and VP9 have it there anyway.
 *
 * While a file is written it cannot be known that this will come, so its first keyframes have nothing in
 * front. A box that players pass over tells of the change, and how many those are:
 *
 * ```
 *   free: | "mpch" | keyframes without (32) | sample entry of the new format |
 * ```
 *
 * @module
 */
import { isFault } from "../../base/mod.ts";
import { concat, latin1, putLatin1, u16, u32 } from "../../bytes/mod.ts";
import { decodeConfiguration } from "../../media/h264/mod.ts";
import { decodeConfiguration265 } from "../../media/h265/mod.ts";
import type { FrameFormat } from "../../stream/mod.ts";
import { box, boxAt, decodeBoxHead, words } from "./box.ts";

/** Of one keyframe; encoders' have some 40. */
export const IN_BAND_MAX_BYTES = 4096;
const MAGIC = "mpch";
/** Of a sample entry of pictures, before the boxes in it (ISO/IEC 14496-12 §12.1.3.2). */
const ENTRY_BYTES = 86;
const WIDTH_AT = 32;
/** `av1C` before its OBUs (AV1 in ISO-BMFF §2.3.3). */
const AV1_HEAD_BYTES = 4;

/** By the type of a sample entry. */
const ENTRIES: Readonly<
  Record<string, { codec: FrameFormat["codec"]; box: string; inBand: string }>
> = {
  avc1: { codec: "h264", box: "avcC", inBand: "avc3" },
  hvc1: { codec: "h265", box: "hvcC", inBand: "hev1" },
  av01: { codec: "av1", box: "av1C", inBand: "av01" },
  vp09: { codec: "vp9", box: "vpcC", inBand: "vp09" },
};

export interface FormatChange {
  /** Keyframes of the track, from its first on, that have nothing in front. */
  readonly keyframes: number;
  /** The sample entry of what follows. */
  readonly entry: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What stands in front of a keyframe's data; `undefined` when that cannot be, or is too much. */
export function inBand({
  codec,
  configuration,
}: Pick<FrameFormat, "codec" | "configuration">): Uint8Array | undefined {
  const bytes = inBandOf(codec, configuration);
  return bytes !== undefined && bytes.length <= IN_BAND_MAX_BYTES ? bytes : undefined;
}

function inBandOf(codec: FrameFormat["codec"], configuration: Uint8Array): Uint8Array | undefined {
  if (codec === "vp9") return new Uint8Array(0);
  if (codec === "av1") return configuration.slice(AV1_HEAD_BYTES);
  if (codec !== "h264" && codec !== "h265") return undefined;
  const decode = codec === "h264" ? decodeConfiguration : decodeConfiguration265;
  const read = decode(configuration);
  if (isFault(read) || read.parameterSets.length === 0) return undefined;
  return concat(read.parameterSets.flatMap((set) => [words([set.length]), set]));
}

/** The box that tells of a change. */
export function encodeChange(keyframes: number, entry: Uint8Array): Uint8Array {
  const magic = new Uint8Array(4);
  putLatin1(magic, 0, MAGIC);
  return concat([...box("free", [magic, words([keyframes]), entry])]);
}

/** The contents of a `free`; `undefined` when they are something else. */
export function decodeChange(body: Uint8Array): FormatChange | undefined {
  if (body.length < 8 + ENTRY_BYTES || latin1(body, 0, 4) !== MAGIC) return undefined;
  const entry = body.slice(8);
  const head = decodeBoxHead(entry);
  if (head?.bytes !== entry.length || !(head.type in ENTRIES)) return undefined;
  const [width, height] = [u16(entry, WIDTH_AT), u16(entry, WIDTH_AT + 2)];
  return { keyframes: u32(body, 4), entry, width, height };
}

/** The first sample entry of the contents of an `stsd`. */
export function firstEntry(descriptions: Uint8Array): Uint8Array | undefined {
  const head = decodeBoxHead(descriptions, 8);
  if (head === undefined || head.bytes < ENTRY_BYTES) return undefined;
  return descriptions.subarray(8, 8 + head.bytes);
}

/** What a track with that sample entry has in front of its keyframes when its format changes. */
export function inBandOfEntry(entry: Uint8Array): Uint8Array | undefined {
  const known = ENTRIES[latin1(entry, 4, 8)];
  const configuration = known && boxAt(entry.subarray(ENTRY_BYTES), known.box);
  return configuration && inBand({ codec: known.codec, configuration });
}

/** The contents of an `stsd` that tells of formats in the keyframes. */
export function describeInBand(entry: Uint8Array): Uint8Array {
  const told = entry.slice();
  putLatin1(told, 4, ENTRIES[latin1(entry, 4, 8)]?.inBand ?? "");
  return concat([words([0, 1]), told]);
}
