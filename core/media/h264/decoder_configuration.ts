import { Fault } from "../../base/mod.ts";
import { BitReader, concat, u8, u16 } from "../../bytes/mod.ts";
import type { NalConfiguration } from "../nal_sample.ts";
import { rbspOf } from "../rbsp.ts";

export const BAD_CONFIGURATION: Fault = /* @__PURE__ */ new Fault(
  "core/media/h264",
  "bad-configuration-record",
  "ISO/IEC 14496-15 §5.3.3.1",
);
/** Parameter sets of each kind that are kept. */
export const PARAMETER_SETS_MAX = 32;

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1). */
export interface DecoderConfiguration extends NalConfiguration {
  /** profile_idc, constraint flags and level_idc, as in `profile-level-id`: six hex digits. */
  readonly profileLevelId: string;
}

/**
 * ```
 *  1 | profile | compatibility | level | 111111 lengthSizeMinusOne (2) | 111 count of SPS (5)
 *  size (16) SPS ... | count of PPS (8) | size (16) PPS ...
 * ```
 */
export function decodeConfiguration(bytes: Uint8Array): DecoderConfiguration | Fault {
  if (bytes.length < 7 || u8(bytes, 0) !== 1) return BAD_CONFIGURATION;
  const lengthBytes = (u8(bytes, 4) & 3) + 1;
  if (lengthBytes === 3) return BAD_CONFIGURATION;
  const parameterSets: Uint8Array[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    if (at >= bytes.length) return BAD_CONFIGURATION;
    const count = u8(bytes, at) & mask;
    at += 1;
    if (count > PARAMETER_SETS_MAX) return BAD_CONFIGURATION;
    for (let i = 0; i < count; i++) {
      if (at + 2 > bytes.length) return BAD_CONFIGURATION;
      const end = at + 2 + u16(bytes, at);
      if (end > bytes.length) return BAD_CONFIGURATION;
      if (end > at + 2) parameterSets.push(bytes.slice(at + 2, end));
      at = end;
    }
  }
  let profileLevelId = "";
  for (let i = 1; i <= 3; i++) profileLevelId += u8(bytes, i).toString(16).padStart(2, "0");
  return { profileLevelId, lengthBytes, parameterSets };
}

/**
 * The record for parameter sets (first the sequence, then the picture ones), with lengths of 4 bytes;
 * `undefined` when there is no sequence parameter set.
 */
export function encodeConfiguration(parameterSets: readonly Uint8Array[]): Uint8Array | undefined {
  const ofType = (type: number): Uint8Array[] =>
    parameterSets.filter((set) => set.length > 3 && (u8(set, 0) & 0x1f) === type);
  const sequence = ofType(7).slice(0, 31);
  const picture = parameterSets.filter((set) => set.length > 0 && (u8(set, 0) & 0x1f) === 8);
  const [first] = sequence;
  if (first === undefined) return undefined;
  const profile = u8(first, 1);
  const parts: Uint8Array[] = [
    Uint8Array.of(1, profile, u8(first, 2), u8(first, 3), 0xff, 0xe0 | sequence.length),
  ];
  for (const set of sequence) parts.push(Uint8Array.of(set.length >> 8, set.length), set);
  parts.push(Uint8Array.of(Math.min(picture.length, PARAMETER_SETS_MAX)));
  for (const set of picture.slice(0, PARAMETER_SETS_MAX)) {
    parts.push(Uint8Array.of(set.length >> 8, set.length), set);
  }
  if (WITH_CHROMA.includes(profile)) parts.push(chromaOf(first));
  return concat(parts);
}

/** Profiles whose records tell chroma format and bit depths behind the parameter sets. */
const WITH_CHROMA = [100, 110, 122, 144, 244];

function chromaOf(sps: Uint8Array): Uint8Array {
  const bits = new BitReader(rbspOf(sps, 4, sps.length));
  bits.ue(); // seq_parameter_set_id
  const chroma = bits.ue();
  if (chroma === 3) bits.bit(); // separate_colour_plane_flag
  return Uint8Array.of(0xfc | (chroma & 3), 0xf8 | (bits.ue() & 7), 0xf8 | (bits.ue() & 7), 0);
}
