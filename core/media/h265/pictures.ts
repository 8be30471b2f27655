import { u8 } from "../../bytes/mod.ts";
import { NalPictures } from "../nal_pictures.ts";
import type { PictureReader } from "../picture.ts";
import { decodeConfiguration265 } from "./decoder_configuration.ts";
import { H265Depacketizer } from "./depacketize.ts";
import { packetizeH265 } from "./packetize.ts";

const IRAP_FIRST = 16;
const IRAP_LAST = 23;
const VPS = 32;
const PPS = 34;
const DROPPED = [35, 38]; // access unit delimiter, filler
const LAST = 47;

export function h265Pictures(): PictureReader {
  return new NalPictures({
    decodeConfiguration: decodeConfiguration265,
    depacketizer: () => new H265Depacketizer(),
    packetize: packetizeH265,
    kindOf: (unit) => {
      const type = typeOf(unit);
      if (unit.length < 2 || type > LAST || DROPPED.includes(type)) return "dropped";
      if (type >= IRAP_FIRST && type <= IRAP_LAST) return "keyframe";
      if (type >= VPS && type <= PPS) return "parameter-set";
      return type < VPS ? "picture" : "other";
    },
    // Sub-layer non-reference pictures are even (ITU-T H.265 table 7-1); others go with any.
    isDisposable: (unit) => {
      const type = typeOf(unit);
      return type >= VPS || (type < IRAP_FIRST && type % 2 === 0);
    },
    // A slice's type stands behind fields that depend on the parameter sets: the times tell as much.
    isBidirectional: () => false,
  });
}

function typeOf(unit: Uint8Array): number {
  return (u8(unit, 0) >> 1) & 0x3f;
}
