import { u8 } from "../../bytes/mod.ts";
import { type NalPayloads, packetizeNalUnits } from "../nal_packetizer.ts";
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
  packetizeNalUnits(units, payloadMax, put, payloads);
}

const payloads: NalPayloads = {
  headerBytes: 1,
  /** It takes F and the highest NRI of what is in it (§5.7). */
  putHeader: (out, units) => {
    const importance = units.reduce((most, unit) => Math.max(most, u8(unit, 0) & 0x60), 0);
    out[0] = importance | STAP_A;
  },
  fragment: (unit, payloadMax, last, put) => {
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
  },
};
