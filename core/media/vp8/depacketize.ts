import { u8, u24 } from "../../bytes/mod.ts";
import type { CodedFormat, CodedFrame, Depacketizer } from "../coded.ts";
import { Pieces } from "../pieces.ts";
import { vpFormat } from "../vp_configuration.ts";
import { behindDescriptor } from "./payload.ts";

const START_CODE = 0x9d012a;

/** A frame is its packets without their descriptors (RFC 7741 §4.2). */
export class Vp8Depacketizer implements Depacketizer {
  readonly #pieces = new Pieces();
  #format: CodedFormat | undefined;

  push(bytes: Uint8Array, from: number, to: number): void {
    this.#pieces.add(bytes, behindDescriptor(bytes, from, to), to);
  }

  take(): CodedFrame | undefined {
    if (this.#pieces.size < 3) {
      this.#pieces.take();
      return undefined;
    }
    const data = this.#pieces.take();
    const keyframe = isVp8Keyframe(data);
    const format = keyframe ? formatOfVp8(data, this.#format) : this.#format;
    if (keyframe && format === undefined) return undefined;
    this.#format = format;
    return { data, keyframe, format };
  }
}

export function isVp8Keyframe(data: Uint8Array): boolean {
  return data.length > 0 && (u8(data, 0) & 1) === 0;
}

/**
 * The format out of a key frame's size and version (RFC 6386 §9.1), `known` itself if that is the same;
 * `undefined` when there is none.
 */
export function formatOfVp8(
  data: Uint8Array,
  known: CodedFormat | undefined,
): CodedFormat | undefined {
  if (data.length < 10 || u24(data, 3) !== START_CODE) return undefined;
  const width = u8(data, 6) | ((u8(data, 7) & 0x3f) << 8);
  const height = u8(data, 8) | ((u8(data, 9) & 0x3f) << 8);
  if (width === 0 || height === 0) return undefined;
  if (known?.width === width && known.height === height) return known;
  return vpFormat("vp08", (u8(data, 0) >> 1) & 7, 8, width, height);
}
