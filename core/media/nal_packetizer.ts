/** What the payload formats of H.264 and H.265 share: NAL units whole, together, or in fragments. @module */
import { putU16 } from "../bytes/mod.ts";
import type { PayloadSink } from "./payload_sink.ts";

/** What is a codec's own. */
export interface NalPayloads {
  /** Of an aggregation packet, before the first length. */
  readonly headerBytes: number;
  /** Writes the header of an aggregation packet of `units`. */
  readonly putHeader: (out: Uint8Array, units: readonly Uint8Array[]) => void;
  /** Gives a unit larger than `payloadMax` in fragments; `last`: it ends the access unit. */
  readonly fragment: (
    unit: Uint8Array,
    payloadMax: number,
    last: boolean,
    put: PayloadSink,
  ) => void;
}

/** Payloads of one access unit, of at most `payloadMax` bytes: fresh ones, or the unit itself. */
export function packetizeNalUnits(
  units: readonly Uint8Array[],
  payloadMax: number,
  put: PayloadSink,
  own: NalPayloads,
): void {
  for (let i = 0; i < units.length; ) {
    const count = aggregable(units, i, payloadMax - own.headerBytes);
    const last = i + count === units.length;
    const unit = units[i];
    if (count > 1) put(aggregate(units.slice(i, i + count), own), last);
    else if (unit !== undefined && unit.length <= payloadMax) put(unit, last);
    else if (unit !== undefined) own.fragment(unit, payloadMax, last, put);
    i += count;
  }
}

/** How many units from `from` on fit one aggregation packet with `room` for them; at least 1. */
function aggregable(units: readonly Uint8Array[], from: number, room: number): number {
  let size = 0;
  let count = 0;
  for (let i = from; i < units.length; i++) {
    size += 2 + (units[i]?.length ?? 0);
    if (size > room) break;
    count++;
  }
  return Math.max(1, count);
}

/** Each unit behind its length in 16 bits. */
function aggregate(units: readonly Uint8Array[], own: NalPayloads): Uint8Array {
  const size = units.reduce((sum, { length }) => sum + 2 + length, own.headerBytes);
  const out = new Uint8Array(size);
  own.putHeader(out, units);
  let at = own.headerBytes;
  for (const unit of units) {
    putU16(out, at, unit.length);
    out.set(unit, at + 2);
    at += 2 + unit.length;
  }
  return out;
}
