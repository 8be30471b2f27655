import { u8 } from "../../bytes/mod.ts";
import { type NalPayloads, packetizeNalUnits } from "../nal_packetizer.ts";
import { fragmentBytes, type PayloadSink } from "../payload_sink.ts";

const AGGREGATION = 48;
const FRAGMENT = 49;
const HEADER_BYTES = 2;

/**
 * RTP payloads of one access unit (RFC 7798 §4.4, without DON fields): NAL units whole, small ones
 * that stand together in an aggregation packet, large ones in fragmentation units of at most
 * `payloadMax` bytes. Units have two bytes at least; payloads are fresh, or the unit itself.
 */
export function packetizeH265(
  units: readonly Uint8Array[],
  payloadMax: number,
  put: PayloadSink,
): void {
  packetizeNalUnits(units, payloadMax, put, payloads);
}

const payloads: NalPayloads = {
  headerBytes: HEADER_BYTES,
  /** F is set if any has it; LayerId and TID are the lowest of those in it (§4.4.2). */
  putHeader: (out, units) => {
    let forbidden = 0;
    let layer = 0x3f;
    let temporal = 7;
    for (const unit of units) {
      forbidden |= u8(unit, 0) & 0x80;
      layer = Math.min(layer, ((u8(unit, 0) & 1) << 5) | (u8(unit, 1) >> 3));
      temporal = Math.min(temporal, u8(unit, 1) & 7);
    }
    out[0] = forbidden | (AGGREGATION << 1) | (layer >> 5);
    out[1] = ((layer & 0x1f) << 3) | temporal;
  },
  /** §4.4.3: the header's type goes into the byte behind it. */
  fragment: (unit, payloadMax, last, put) => {
    const first = u8(unit, 0);
    const size = fragmentBytes(unit.length - HEADER_BYTES, payloadMax - HEADER_BYTES - 1);
    for (let at = HEADER_BYTES; at < unit.length; at += size) {
      const end = Math.min(unit.length, at + size);
      const start = at === HEADER_BYTES ? 0x80 : 0;
      const out = new Uint8Array(HEADER_BYTES + 1 + end - at);
      out[0] = (first & 0x81) | (FRAGMENT << 1);
      out[1] = u8(unit, 1);
      out[2] = start | (end === unit.length ? 0x40 : 0) | ((first >> 1) & 0x3f);
      out.set(unit.subarray(at, end), HEADER_BYTES + 1);
      put(out, last && end === unit.length);
    }
  },
};
