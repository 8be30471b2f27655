/**
 * PES packets (ISO/IEC 13818-1 §2.4.3.6).
 *
 * ```
 *  00 00 01 | stream_id | length (16) | 10 .. alignment .. | PTS, DTS flags (2) .. | header length | PTS | DTS
 *  PTS, DTS: 001x | 32..30 | 1 | 29..15 | 1 | 14..0 | 1
 * ```
 *
 * @module
 */
import { putU16 } from "../../bytes/mod.ts";

/** The first of each kind (Table 2-22). */
export const PesStreamId = { Audio: 0xc0, Video: 0xe0 } as const;
/** Of what is behind PES_packet_length; pictures alone may be longer, and tell 0. */
export const PES_MAX_LENGTH = 0xffff;

/** In 90 kHz; 33 bits count. */
export interface PesTimes {
  readonly pts: number;
  readonly dts: number;
}

/** The header of a packet whose contents are `bytes` long and begin with an access unit. */
export function encodePesHeader(streamId: number, bytes: number, times: PesTimes): Uint8Array {
  const both = times.dts !== times.pts;
  const fields = both ? 10 : 5;
  const out = new Uint8Array(9 + fields);
  out[2] = 1;
  out[3] = streamId;
  const length = 3 + fields + bytes;
  putU16(out, 4, length <= PES_MAX_LENGTH ? length : 0);
  out[6] = 0x84; // data_alignment_indicator
  out[7] = both ? 0xc0 : 0x80;
  out[8] = fields;
  putTime(out, 9, both ? 3 : 2, times.pts);
  if (both) putTime(out, 14, 1, times.dts);
  return out;
}

function putTime(out: Uint8Array, at: number, prefix: number, time: number): void {
  const high = Math.floor(time / 0x4000_0000) & 7;
  const low = time % 0x4000_0000;
  out[at] = (prefix << 4) | (high << 1) | 1;
  putU16(out, at + 1, ((low >>> 15) << 1) | 1);
  putU16(out, at + 3, ((low & 0x7fff) << 1) | 1);
}
