import { Av1Depacketizer } from "./av1/mod.ts";
import type { CodedFormat, CodedFrame, Depacketizer } from "./coded.ts";
import type { CodecName } from "./format.ts";
import { H264Depacketizer } from "./h264/mod.ts";
import { H265Depacketizer } from "./h265/mod.ts";
import { Vp8Depacketizer } from "./vp8/mod.ts";
import { Vp9Depacketizer } from "./vp9/mod.ts";

export function depacketizerFor(codec: CodecName, channels: number): Depacketizer {
  switch (codec) {
    case "h264":
      return new H264Depacketizer();
    case "h265":
      return new H265Depacketizer();
    case "vp8":
      return new Vp8Depacketizer();
    case "vp9":
      return new Vp9Depacketizer();
    case "av1":
      return new Av1Depacketizer();
    case "opus":
      return new WholePackets({ ...SOUND, codecString: "opus", configuration: opusHead(channels) });
    default:
      return new WholePackets({ ...SOUND, codecString: codec === "pcma" ? "alaw" : "ulaw" });
  }
}

const SOUND = { configuration: new Uint8Array(0), width: 0, height: 0 } as const;

/** Sound: a packet is a frame (RFC 7587 §4.2, RFC 3551 §4.5.14). */
class WholePackets implements Depacketizer {
  readonly #format: CodedFormat;
  #data: Uint8Array | undefined;

  constructor(format: CodedFormat) {
    this.#format = format;
  }

  push(bytes: Uint8Array, from: number, to: number): void {
    if (to > from) this.#data = bytes.slice(from, to);
  }

  take(): CodedFrame | undefined {
    const data = this.#data;
    this.#data = undefined;
    return data && { data, keyframe: true, format: this.#format };
  }
}

/** OpusHead (RFC 7845 §5.1): 48 kHz, mapping family 0; the pre-skip of libopus and browsers. */
function opusHead(channels: number): Uint8Array {
  const head = new Uint8Array(19);
  head.set([0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64, 1, channels]);
  head.set([312 & 0xff, 312 >> 8, 0x80, 0xbb], 10); // little endian: 312 samples, 48,000 Hz
  return head;
}
