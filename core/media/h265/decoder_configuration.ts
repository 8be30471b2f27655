import { Fault } from "../../base/mod.ts";
import { u8, u16 } from "../../bytes/mod.ts";
import type { NalConfiguration } from "../nal_sample.ts";
import { PARAMETER_SETS_MAX } from "../parameter_sets.ts";

export const BAD_CONFIGURATION_265: Fault = /* @__PURE__ */ new Fault(
  "core/media/h265",
  "bad-configuration-record",
  "ISO/IEC 14496-15 §8.3.3.1",
);

const HEAD_BYTES = 23;

/**
 * HEVCDecoderConfigurationRecord.
 *
 * ```
 *  version 1 | profile, tier, level (12 bytes) | ... | ...... lengthSizeMinusOne (2) | arrays (8)
 *  each: |completeness|0|NAL type (6)| count (16) | size (16) NAL unit ...
 * ```
 */
export function decodeConfiguration265(bytes: Uint8Array): NalConfiguration | Fault {
  // Encoders before the standard was done wrote version 0.
  if (bytes.length < HEAD_BYTES || u8(bytes, 0) > 1) return BAD_CONFIGURATION_265;
  const lengthBytes = (u8(bytes, 21) & 3) + 1;
  if (lengthBytes === 3) return BAD_CONFIGURATION_265;
  const parameterSets: Uint8Array[] = [];
  let at = HEAD_BYTES;
  for (let arrays = u8(bytes, 22); arrays > 0; arrays--) {
    if (at + 3 > bytes.length) return BAD_CONFIGURATION_265;
    const type = u8(bytes, at) & 0x3f;
    const count = u16(bytes, at + 1);
    if (count > PARAMETER_SETS_MAX) return BAD_CONFIGURATION_265;
    at += 3;
    for (let i = 0; i < count; i++) {
      if (at + 2 > bytes.length) return BAD_CONFIGURATION_265;
      const end = at + 2 + u16(bytes, at);
      if (end > bytes.length) return BAD_CONFIGURATION_265;
      // Others than VPS, SPS and PPS are SEI, which are for one picture.
      if (type >= 32 && type <= 34 && end > at + 4) parameterSets.push(bytes.slice(at + 2, end));
      at = end;
    }
  }
  return { lengthBytes, parameterSets };
}
