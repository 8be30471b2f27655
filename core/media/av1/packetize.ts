import { u8 } from "../../bytes/mod.ts";
import type { PayloadSink } from "../payload_sink.ts";
import { leb128Length } from "./payload.ts";
import { encodeLeb128, hasSize, headerBytes } from "./temporal_unit.ts";

const CONTINUES = 0x80; // Z
const GOES_ON = 0x40; // Y
const NEW_SEQUENCE = 0x08; // N
const HEAD_BYTES = 1;
/** What would hold less of an OBU than that is left empty. */
const LEAST_PART = 16;

/**
 * RTP payloads of one temporal unit (AV1 RTP payload format §4.4, §4.5), of at most `payloadMax` bytes each: OBUs
 * follow each other through the packets, each element behind its length (W=0). `obus` may have their
 * sizes; delimiters are to be left out. `newSequence` says that a coded video sequence begins.
 */
export function packetizeAv1(
  obus: readonly Uint8Array[],
  newSequence: boolean,
  payloadMax: number,
  put: PayloadSink,
): void {
  let packet = new Packet(payloadMax, newSequence ? NEW_SEQUENCE : 0);
  for (const [i, obu] of obus.entries()) {
    const bytes = withoutSize(obu);
    for (let at = 0; at < bytes.length; ) {
      if (at > 0 || packet.room(bytes.length) < Math.min(LEAST_PART, bytes.length)) {
        if (at > 0) packet.goesOn();
        put(packet.take(), false);
        packet = new Packet(payloadMax, at > 0 ? CONTINUES : 0);
      }
      const part = Math.min(bytes.length - at, packet.room(bytes.length - at));
      packet.add(bytes.subarray(at, at + part));
      at += part;
    }
    if (i === obus.length - 1 && !packet.empty) put(packet.take(), true);
  }
}

/** One payload being filled. */
class Packet {
  readonly #out: Uint8Array;
  #at = HEAD_BYTES;

  constructor(payloadMax: number, flags: number) {
    this.#out = new Uint8Array(payloadMax);
    this.#out[0] = flags;
  }

  get empty(): boolean {
    return this.#at === HEAD_BYTES;
  }

  /** Bytes of an element of up to `size` bytes that still fit, its length counted. */
  room(size: number): number {
    const left = this.#out.length - this.#at;
    return Math.max(0, left - encodeLeb128(Math.min(size, left)).length);
  }

  add(element: Uint8Array): void {
    const length = encodeLeb128(element.length);
    this.#out.set(length, this.#at);
    this.#out.set(element, this.#at + length.length);
    this.#at += length.length + element.length;
  }

  goesOn(): void {
    this.#out[0] = u8(this.#out, 0) | GOES_ON;
  }

  take(): Uint8Array {
    return this.#out.slice(0, this.#at);
  }
}

/** The OBU without obu_size (§4.5). */
function withoutSize(obu: Uint8Array): Uint8Array {
  const header = u8(obu, 0);
  if (!hasSize(header)) return obu;
  const head = headerBytes(header);
  const from = head + leb128Length(obu, head, obu.length);
  const out = new Uint8Array(head + obu.length - from);
  out.set(obu.subarray(0, head));
  out[0] = header & ~0x02;
  out.set(obu.subarray(from), head);
  return out;
}
