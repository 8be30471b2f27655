/** Samples of H.264 and H.265, as MP4 and FLV hold them (ISO/IEC 14496-15 §5.3.4.2). @module */
import { Fault } from "../base/mod.ts";
import { u8 } from "../bytes/mod.ts";
import { NAL_UNITS_MAX } from "./nal_depacketizer.ts";

export const BAD_UNIT: Fault = /* @__PURE__ */ new Fault(
  "core/media/h264",
  "bad-nal-unit-length",
  "ISO/IEC 14496-15 §5.3.4.2",
);

export const TOO_MANY_UNITS: Fault = /* @__PURE__ */ new Fault(
  "core/media/h264",
  "too-many-nal-units",
  "ISO/IEC 14496-15 §5.3.4.2",
);

/** What a decoder configuration record says of the samples. */
export interface NalConfiguration {
  /** Bytes of the length in front of each NAL unit: 1, 2 or 4. */
  readonly lengthBytes: number;
  /** NAL units, in the order of the record. */
  readonly parameterSets: readonly Uint8Array[];
}

/** NAL units out of a sample, each behind its length; views of it. Empty ones are left out. */
export function splitSample(bytes: Uint8Array, lengthBytes: number): Uint8Array[] | Fault {
  const units: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + lengthBytes > bytes.length) return BAD_UNIT;
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + u8(bytes, at + i);
    at += lengthBytes;
    if (length > bytes.length - at) return BAD_UNIT;
    if (units.length === NAL_UNITS_MAX) return TOO_MANY_UNITS;
    if (length > 0) units.push(bytes.subarray(at, at + length));
    at += length;
  }
  return units;
}
