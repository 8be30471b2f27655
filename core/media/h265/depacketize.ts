import { BitReader, concat, putU16, u8 } from "../../bytes/mod.ts";
import type { CodedFormat } from "../coded.ts";
import { NalDepacketizer, type NalSyntax } from "../nal_depacketizer.ts";
import type { ParameterSets } from "../parameter_sets.ts";
import { rbspOf } from "../rbsp.ts";
import { describeSps265 } from "./sps.ts";

const IRAP_FIRST = 16;
const IRAP_LAST = 23;
const VPS = 32;
const SPS = 33;
const PPS = 34;
const DELIMITER = 35;
const FILLER = 38;

/** Without DON fields. */
const H265: NalSyntax = {
  headerBytes: 2,
  typeOf: (first) => (first >> 1) & 0x3f,
  aggregation: 48,
  fragment: 49,
  kindOf: (type) => {
    if (type >= IRAP_FIRST && type <= IRAP_LAST) return "keyframe";
    if (type >= VPS && type <= PPS) return "parameter-set";
    if (type === DELIMITER || type === FILLER) return "dropped";
    return type < VPS ? "picture" : "other";
  },
  fragmentHeader: (bytes, from) => [
    (u8(bytes, from) & 0x81) | ((u8(bytes, from + 2) & 0x3f) << 1),
    u8(bytes, from + 1),
  ],
  keyOf: (type) => String(type),
  formatOf,
};

export class H265Depacketizer extends NalDepacketizer {
  constructor() {
    super(H265);
  }
}

function formatOf(sets: ParameterSets): CodedFormat | undefined {
  const [sps] = sets.of(String(SPS));
  const size = sps && describeSps265(sps, 0, sps.length);
  if (sps === undefined || size === undefined) return undefined;
  const arrays = [VPS, SPS, PPS].flatMap((type) =>
    sets.of(String(type)).map((set) => ({ type, set })),
  );
  const rbsp = rbspOf(sps, 2, sps.length);
  return {
    configuration: encodeConfiguration265(rbsp, arrays),
    codecString: codecString(rbsp),
    width: size.width,
    height: size.height,
  };
}

/** HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 §8.3.3.1); `sps` is an RBSP without NAL header. */
function encodeConfiguration265(
  sps: Uint8Array,
  sets: readonly { readonly type: number; readonly set: Uint8Array }[],
): Uint8Array {
  const subLayers = (u8(sps, 0) >> 1) & 7;
  const bits = new BitReader(sps, 13);
  const sizes: number[] = [];
  for (let i = 0; i < subLayers; i++) sizes.push((bits.flag() ? 88 : 0) + (bits.flag() ? 8 : 0));
  if (subLayers > 0) bits.skip((8 - subLayers) * 2);
  for (const size of sizes) bits.skip(size);
  bits.ue(); // sps_seq_parameter_set_id
  const chroma = bits.ue();
  if (chroma === 3) bits.bit();
  bits.ue(); // width and height
  bits.ue();
  if (bits.flag()) for (let i = 0; i < 4; i++) bits.ue(); // conformance window
  const luma = bits.ue();
  const depthOfChroma = bits.ue();
  const head = new Uint8Array(23);
  head[0] = 1;
  head.set(sps.subarray(1, 13), 1); // profile_tier_level up to general_level_idc
  head.set([0xf0, 0, 0xfc, 0xfc | (chroma & 3), 0xf8 | (luma & 7), 0xf8 | (depthOfChroma & 7)], 13);
  head[21] = ((subLayers + 1) << 3) | ((u8(sps, 0) & 1) << 2) | 3;
  head[22] = sets.length;
  const parts: Uint8Array[] = [head];
  for (const { type, set } of sets) {
    const array = new Uint8Array(5);
    array[0] = 0x80 | type;
    putU16(array, 1, 1);
    putU16(array, 3, set.length);
    parts.push(array, set);
  }
  return concat(parts);
}

/** `hvc1.PROFILE.COMPATIBILITY.TIER+LEVEL.CONSTRAINTS` (ISO/IEC 14496-15 §E.3). */
function codecString(sps: Uint8Array): string {
  const space = ["", "A", "B", "C"][u8(sps, 1) >> 6] ?? "";
  let compatibility = 0;
  for (let i = 31; i >= 0; i--) {
    const bit = (u8(sps, 2 + (i >> 3)) >> (7 - (i & 7))) & 1;
    compatibility = compatibility * 2 + bit;
  }
  const constraints: string[] = [];
  for (let at = 6; at < 12; at++) constraints.push(u8(sps, at).toString(16).toUpperCase());
  while (constraints.length > 0 && constraints.at(-1) === "0") constraints.pop();
  const tier = (u8(sps, 1) & 0x20) === 0 ? "L" : "H";
  const parts = [
    `${space}${u8(sps, 1) & 0x1f}`,
    compatibility.toString(16).toUpperCase(),
    `${tier}${u8(sps, 12)}`,
  ];
  return ["hvc1", ...parts, ...constraints].join(".");
}
