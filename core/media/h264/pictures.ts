import { BitReader, u8 } from "../../bytes/mod.ts";
import { NalPictures } from "../nal_pictures.ts";
import type { PictureReader } from "../picture.ts";
import { decodeConfiguration } from "./decoder_configuration.ts";
import { H264Depacketizer } from "./depacketize.ts";
import { packetizeH264 } from "./packetize.ts";

const SLICE = 1;
const IDR = 5;
const LAST = 23;
const DROPPED = [0, 9, 12]; // unspecified, access unit delimiter, filler

export function h264Pictures(): PictureReader {
  return new NalPictures({
    decodeConfiguration,
    depacketizer: () => new H264Depacketizer(),
    packetize: packetizeH264,
    kindOf: (unit) => {
      const type = typeOf(unit);
      if (type === IDR) return "keyframe";
      if (type === 7 || type === 8) return "parameter-set";
      if (type > LAST || DROPPED.includes(type)) return "dropped";
      return type < IDR ? "picture" : "other";
    },
    isDisposable: (unit) => (u8(unit, 0) & 0x60) === 0, // nal_ref_idc
    isBidirectional: (unit) => typeOf(unit) === SLICE && isBSlice(unit),
  });
}

function typeOf(unit: Uint8Array): number {
  return u8(unit, 0) & 0x1f;
}

/** slice_type of a slice header: first_mb_in_slice, slice_type, both ue(v) (ITU-T H.264 §7.3.3). */
function isBSlice(unit: Uint8Array): boolean {
  const bits = new BitReader(unit.subarray(1, 12));
  bits.ue();
  return bits.ue() % 5 === 1;
}
