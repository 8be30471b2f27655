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
    const size = describeFrame(data, 0, data.length, 0, 0);
    if (size === undefined) return { data, keyframe: false, format: this.#format };
    const { width, height } = size;
    const known = this.#format;
    if (known?.width !== width || known.height !== height) {
      const profile = Number(size.profile);
      this.#format = vpFormat("vp09", profile, bitDepthOf(data, profile), width, height);
    }
    return { data, keyframe: true, format: this.#format };
  }
}

/** Out of the uncompressed header of a key frame (VP9 bitstream §6.2 and §6.2.2). */
function bitDepthOf(data: Uint8Array, profile: number): number {
  if (profile < 2) return 8;
  const bits = new BitReader(data, 0, data.length);
  bits.skip(4 + (profile === 3 ? 1 : 0) + 4 + 24); // up to frame_sync_code
  return bits.bit() === 1 ? 12 : 10;
}
