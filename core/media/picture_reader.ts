import { u8 } from "../bytes/mod.ts";
import { Av1Pictures } from "./av1/mod.ts";
import type { CodedFormat } from "./coded.ts";
import type { Format } from "./format.ts";
import { h264Pictures } from "./h264/mod.ts";
import { h265Pictures } from "./h265/mod.ts";
import type { PictureReader } from "./picture.ts";
import { Vp8Pictures } from "./vp8/mod.ts";
import { Vp9Pictures } from "./vp9/mod.ts";

export type VideoCodecName = "h264" | "h265" | "av1" | "vp9" | "vp8";

export function pictureReaderFor(codec: VideoCodecName): PictureReader {
  switch (codec) {
    case "h264":
      return h264Pictures();
    case "h265":
      return h265Pictures();
    case "av1":
      return new Av1Pictures();
    case "vp9":
      return new Vp9Pictures();
    default:
      return new Vp8Pictures();
  }
}

/** What SDP says of pictures in that format: the parameters of each RTP payload format. */
export function rtpFormatOf(codec: VideoCodecName, { configuration }: CodedFormat): Format {
  return { codec, clockRate: 90_000, channels: 0, parameters: parametersOf(codec, configuration) };
}

function parametersOf(codec: VideoCodecName, record: Uint8Array): string {
  const at = (index: number): number => (index < record.length ? u8(record, index) : 0);
  switch (codec) {
    case "h264": {
      const id = [at(1), at(2), at(3)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return `level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=${id}`;
    }
    case "h265":
      return `level-id=${at(12)};profile-id=${at(1) & 0x1f};tier-flag=${(at(1) >> 5) & 1};tx-mode=SRST`;
    case "av1":
      return `level-idx=${at(1) & 0x1f};profile=${at(1) >> 5};tier=${at(2) >> 7}`;
    case "vp9":
      return `profile-id=${at(0)}`;
    default:
      return "";
  }
}
