/**
 * Program specific information (ISO/IEC 13818-1 §2.4.4): PAT and PMT, each a section with its pointer
 * field that fits one packet.
 *
 * ```
 *  table_id | 1 0 11 length (12) | id (16) | 11 version (5) current (1) | section | last section | ... | CRC (32)
 *  PAT: program (16) | 111 PMT's PID (13)
 *  PMT: 111 PCR's PID (13) | 1111 0 (12) | of each stream: type (8) | 111 PID (13) | 1111 0 (12)
 * ```
 *
 * @module
 */
import { putU16, putU32 } from "../../bytes/mod.ts";
import { crc32Mpeg } from "./crc.ts";

/** stream_type (Table 2-34). */
export const StreamType = { AdtsAac: 0x0f, H264: 0x1b, H265: 0x24 } as const;

export interface TsStream {
  readonly type: number;
  readonly pid: number;
}

export interface TsProgram {
  readonly pcrPid: number;
  readonly streams: readonly TsStream[];
  /** version_number, to be changed with the rest; 5 bits count. */
  readonly version: number;
}

const PAT = 0;
const PMT = 2;
/** transport_stream_id and program_number. */
const ONE = 1;

/** A PAT of one program, whose PMT is on `pmtPid`. */
export function encodePat(pmtPid: number): Uint8Array {
  const body = new Uint8Array(4);
  putU16(body, 0, ONE);
  putU16(body, 2, 0xe000 | pmtPid);
  return section(PAT, 0, body);
}

export function encodePmt({ pcrPid, streams, version }: TsProgram): Uint8Array {
  const body = new Uint8Array(4 + 5 * streams.length);
  putU16(body, 0, 0xe000 | pcrPid);
  putU16(body, 2, 0xf000);
  for (const [i, { type, pid }] of streams.entries()) {
    const at = 4 + 5 * i;
    body[at] = type;
    putU16(body, at + 1, 0xe000 | pid);
    putU16(body, at + 3, 0xf000);
  }
  return section(PMT, version, body);
}

function section(table: number, version: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + 8 + body.length + 4); // out[0]: pointer_field
  out[1] = table;
  putU16(out, 2, 0xb000 | (5 + body.length + 4));
  putU16(out, 4, ONE);
  out[6] = 0xc1 | ((version & 31) << 1);
  out.set(body, 9);
  putU32(out, out.length - 4, crc32Mpeg(out.subarray(1, -4)));
  return out;
}
