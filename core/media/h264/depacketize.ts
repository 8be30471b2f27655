import { BitReader, u8 } from "../../bytes/mod.ts";
import type { CodedFormat } from "../coded.ts";
import { NalDepacketizer, type NalSyntax } from "../nal_depacketizer.ts";
import type { ParameterSets } from "../parameter_sets.ts";
import { rbspOf } from "../rbsp.ts";
import { encodeConfiguration } from "./decoder_configuration.ts";
import { describeSps } from "./sps.ts";

const IDR = 5;
const SPS = 7;
const PPS = 8;
const DELIMITER = 9;
const FILLER = 12;

/** packetization-mode 0 and 1. */
const H264: NalSyntax = {
  headerBytes: 1,
  typeOf: (first) => first & 0x1f,
  aggregation: 24, // STAP-A
  fragment: 28, // FU-A
  kindOf: (type) => {
    if (type === IDR) return "keyframe";
    if (type === SPS || type === PPS) return "parameter-set";
    if (type === DELIMITER || type === FILLER || type === 0) return "dropped";
    return type < IDR ? "picture" : "other";
  },
  fragmentHeader: (bytes, from) => [(u8(bytes, from) & 0xe0) | (u8(bytes, from + 1) & 0x1f)],
  // The id of a sequence parameter set is behind profile and level, that of a picture one first.
  keyOf: (type, unit) => {
    const bits = new BitReader(rbspOf(unit, type === SPS ? 4 : 1, Math.min(unit.length, 16)));
    return `${type === SPS ? "s" : "p"}${bits.ue()}`;
  },
  formatOf,
};

export class H264Depacketizer extends NalDepacketizer {
  constructor() {
    super(H264);
  }
}

function formatOf(sets: ParameterSets): CodedFormat | undefined {
  const configuration = encodeConfiguration([...sets.of("s"), ...sets.of("p")]);
  const [sps] = sets.of("s");
  const size = sps && describeSps(sps, 0, sps.length);
  if (configuration === undefined || sps === undefined || size === undefined) return undefined;
  const digits = [1, 2, 3].map((at) => u8(sps, at).toString(16).padStart(2, "0")).join("");
  return { configuration, codecString: `avc1.${digits}`, width: size.width, height: size.height };
}
