import type { CodedFormat } from "../coded.ts";
import type { PayloadSink } from "../payload_sink.ts";
import type { Picture, PictureReader } from "../picture.ts";
import { formatOfVp8, isVp8Keyframe } from "./depacketize.ts";
import { packetizeVp8 } from "./packetize.ts";

/** Frames, which say themselves what they are. */
export class Vp8Pictures implements PictureReader {
  #format: CodedFormat | undefined;
  #frame: Uint8Array = new Uint8Array(0);
  #pictureId = 0;

  configure(): undefined {}

  read(data: Uint8Array): Picture | undefined {
    const keyframe = isVp8Keyframe(data);
    const format = keyframe ? formatOfVp8(data, this.#format) : this.#format;
    if (format === undefined || data.length === 0) return undefined;
    this.#format = format;
    this.#frame = data;
    return { data, format, keyframe, disposable: false, bidirectional: false };
  }

  packetize(payloadMax: number, put: PayloadSink): void {
    packetizeVp8(this.#frame, this.#pictureId++, payloadMax, put);
  }
}
