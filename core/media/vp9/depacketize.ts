import { BitReader } from "../../bytes/mod.ts";
import type { CodedFormat, CodedFrame, Depacketizer } from "../coded.ts";
import { Pieces } from "../pieces.ts";
import { vpFormat } from "../vp_configuration.ts";
import { behindDescriptor, describeFrame } from "./payload.ts";

/** A frame is its packets without their descriptors (RFC 9628 §4.2). */
export class Vp9Depacketizer implements Depacketizer {
  readonly #pieces = new Pieces();
  #format: CodedFormat | undefined;

  push(bytes: Uint8Array, from: number, to: number): void {
    this.#pieces.add(bytes, behindDescriptor(bytes, from, to), to);
  }

  take(): CodedFrame | undefined {
    if (this.#pieces.size === 0) return undefined;
    const data = this.#pieces.take();
    const format = formatOfVp9(data, this.#format);
    this.#format = format ?? this.#format;
    return { data, keyframe: format !== undefined, format: this.#format };
  }
}

/** The format that a key frame tells, `known` itself if that is the same; `undefined` for other frames. */
export function formatOfVp9(
  data: Uint8Array,
  known: CodedFormat | undefined,
): CodedFormat | undefined {
  const size = describeFrame(data, 0, data.length, 0, 0);
  if (size === undefined) return undefined;
  const { width, height } = size;
  if (known?.width === width && known.height === height) return known;
  const profile = Number(size.profile);
  return vpFormat("vp09", profile, bitDepthOf(data, profile), width, height);
}

/** Out of the uncompressed header of a key frame (VP9 bitstream §6.2 and §6.2.2). */
function bitDepthOf(data: Uint8Array, profile: number): number {
  if (profile < 2) return 8;
  const bits = new BitReader(data, 0, data.length);
  bits.skip(4 + (profile === 3 ? 1 : 0) + 4 + 24); // up to frame_sync_code
  return bits.bit() === 1 ? 12 : 10;
}
