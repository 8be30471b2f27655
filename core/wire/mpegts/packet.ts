/**
 * Transport packets (ISO/IEC 13818-1 §2.4.3.2).
 *
 * ```
 *  0x47 | error, start, priority (3) PID (13) | scrambling (2) adaptation (2) continuity (4) | ...
 *  adaptation field: length | discontinuity, random access, .. PCR flag, .. (8) | PCR (48) | stuffing
 *  PCR: base (33) | 111111 | extension (9)
 * ```
 *
 * @module
 */
import { putU32 } from "../../bytes/mod.ts";

export const PACKET_BYTES = 188;
const HEADER_BYTES = 4;
const ROOM: number = PACKET_BYTES - HEADER_BYTES;
const SYNC = 0x47;
/** Length, flags, PCR. */
const PCR_FIELD_BYTES = 8;
const FLAGS_FIELD_BYTES = 2;

export interface TsPayload {
  readonly pid: number;
  /** A PES packet, or a section behind its pointer field. Empty: one packet with what else there is, which does not count. */
  readonly payload: Uint8Array;
  /** continuity_counter of the first packet; 4 bits count. */
  readonly continuity: number;
  /** program_clock_reference_base, in 90 kHz. */
  readonly pcr?: number | undefined;
  /** random_access_indicator: decoding can begin here. */
  readonly randomAccess?: boolean;
  /** discontinuity_indicator: what is behind does not follow on what was before, nor does its PCR (§2.4.3.5). */
  readonly discontinuity?: boolean;
}

/** How many packets the payload takes. */
export function packetsOf(data: TsPayload): number {
  return Math.ceil((data.payload.length + fieldBytes(data)) / ROOM);
}

/** Writes the payload's packets to `out` from `at`, the last one stuffed; returns where they end. */
export function putPackets(out: Uint8Array, at: number, data: TsPayload): number {
  const { pid, payload } = data;
  let { continuity } = data;
  let field = fieldBytes(data);
  const alone = payload.length === 0;
  let end = at;
  let from = 0;
  do {
    const left = payload.length - from;
    // Stuffing goes into an adaptation field, which may be its length alone.
    const stuffed = Math.max(field, ROOM - left);
    out[end] = SYNC;
    out[end + 1] = (from === 0 && !alone ? 0x40 : 0) | (pid >> 8);
    out[end + 2] = pid;
    out[end + 3] = (stuffed > 0 ? 0x20 : 0) | (alone ? 0 : 0x10) | (continuity++ & 15);
    let body = end + HEADER_BYTES;
    if (stuffed > 0) {
      putField(out, body, stuffed, field > 0 ? data : NOTHING);
      body += stuffed;
    }
    const to = from + ROOM - stuffed;
    out.set(payload.subarray(from, to), body);
    from = to;
    field = 0;
    end += PACKET_BYTES;
  } while (from < payload.length);
  return end;
}

type FieldFacts = Pick<TsPayload, "pcr" | "randomAccess" | "discontinuity">;

const NOTHING: FieldFacts = {};

function fieldBytes({ pcr, randomAccess, discontinuity }: FieldFacts): number {
  if (pcr !== undefined) return PCR_FIELD_BYTES;
  return randomAccess === true || discontinuity === true ? FLAGS_FIELD_BYTES : 0;
}

function putField(
  out: Uint8Array,
  at: number,
  size: number,
  { pcr, randomAccess, discontinuity }: FieldFacts,
): void {
  out[at] = size - 1;
  if (size === 1) return;
  out[at + 1] =
    (discontinuity ? 0x80 : 0) | (randomAccess ? 0x40 : 0) | (pcr !== undefined ? 0x10 : 0);
  let filled = at + FLAGS_FIELD_BYTES;
  if (pcr !== undefined) {
    putU32(out, filled, Math.floor(pcr / 2) % 0x1_0000_0000);
    out[filled + 4] = ((pcr % 2) << 7) | 0x7e;
    out[filled + 5] = 0;
    filled += 6;
  }
  out.fill(0xff, filled, at + size);
}
