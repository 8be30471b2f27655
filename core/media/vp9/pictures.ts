import type { CodedFormat } from "../coded.ts";
import type { PayloadSink } from "../payload_sink.ts";
import type { Picture, PictureReader } from "../picture.ts";
import { formatOfVp9 } from "./depacketize.ts";
import { packetizeVp9 } from "./packetize.ts";

/** Frames and superframes (VP9 bitstream annex B), which say themselves what they are. */
export class Vp9Pictures implements PictureReader {
  #format: CodedFormat | undefined;
  #frame: Uint8Array = new Uint8Array(0);
  #keyframe = false;
  #pictureId = 0;

  configure(): undefined {}

  read(data: Uint8Array): Picture | undefined {
    const told = formatOfVp9(data, this.#format);
    const format = told ?? this.#format;
    if (format === undefined || data.length === 0) return undefined;
    this.#format = format;
    this.#frame = data;
    this.#keyframe = told !== undefined;
    return { data, format, keyframe: this.#keyframe, disposable: false, bidirectional: false };
  }

  packetize(payloadMax: number, put: PayloadSink): void {
    packetizeVp9(this.#frame, this.#keyframe, this.#pictureId++, payloadMax, put);
  }
}
