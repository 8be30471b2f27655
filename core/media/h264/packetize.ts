import { putU16, u8 } from "../../bytes/mod.ts";
import { fragmentBytes, type PayloadSink } from "../payload_sink.ts";

const STAP_A = 24;
const FU_A = 28;

/**
 * RTP payloads of one access unit (RFC 6184 §5.6 to §5.8, packetization-mode 1): NAL units whole,
 * small ones that stand together in a STAP-A, large ones in FU-A fragments of at most `payloadMax`
 * bytes. Payloads are fresh, or the unit itself.
 */
export function packetizeH264(
  units: readonly Uint8Array[],
  payloadMax: number,
  put: PayloadSink,
): void {
  for (let i = 0; i < units.length; ) {
    const count = aggregable(units, i, payloadMax);
    const last = i + count === units.length;
    const unit = units[i];
    if (count > 1) put(aggregate(units, i, count), last);
    else if (unit !== undefined && unit.length <= payloadMax) put(unit, last);
    else if (unit !== undefined) fragment(unit, payloadMax, last, put);
    i += count;
  }
}

/** How many units from `from` on fit one STAP-A; at least 1. */
function aggregable(units: readonly Uint8Array[], from: number, payloadMax: number): number {
  let size = 1;
  let count = 0;
  for (let i = from; i < units.length; i++) {
    size += 2 + (units[i]?.length ?? 0);
    if (size > payloadMax) break;
    count++;
  }
  return Math.max(1, count);
}

/** The header takes F and the highest NRI of what is in it (§5.7). */
function aggregate(units: readonly Uint8Array[], from: number, count: number): Uint8Array {
  let size = 1;
  let importance = 0;
  for (let i = from; i < from + count; i++) {
    const unit = units[i];
    if (unit === undefined) continue;
    size += 2 + unit.length;
    importance = Math.max(importance, u8(unit, 0) & 0x60);
  }
  const out = new Uint8Array(size);
  out[0] = importance | STAP_A;
  let at = 1;
  for (let i = from; i < from + count; i++) {
    const unit = units[i];
    if (unit === undefined) continue;
    putU16(out, at, unit.length);
    out.set(unit, at + 2);
    at += 2 + unit.length;
  }
  return out;
}

function fragment(unit: Uint8Array, payloadMax: number, last: boolean, put: PayloadSink): void {
  const header = u8(unit, 0);
  const size = fragmentBytes(unit.length - 1, payloadMax - 2);
  for (let at = 1; at < unit.length; at += size) {
    const end = Math.min(unit.length, at + size);
    const out = new Uint8Array(2 + end - at);
    out[0] = (header & 0xe0) | FU_A;
    out[1] = (at === 1 ? 0x80 : 0) | (end === unit.length ? 0x40 : 0) | (header & 0x1f);
    out.set(unit.subarray(at, end), 2);
    put(out, last && end === unit.length);
  }
}
