import { concat, u8 } from "../../bytes/mod.ts";
import type { CodedFormat, CodedFrame, Depacketizer } from "../coded.ts";
import { Pieces } from "../pieces.ts";
import { leb128, leb128Length } from "./payload.ts";
import { readSequenceHeader, type SequenceHeader } from "./sequence_header.ts";
import { headerBytes, isSequenceHeader, OBUS_MAX, obuType, withSize } from "./temporal_unit.ts";

const TEMPORAL_DELIMITER = 2;
const TILE_LIST = 8;
const PADDING = 15;

/**
 * Puts OBUs together again (AV1 RTP §4.4, §5) and gives each its size, as files want them (AV1 in
 * ISO-BMFF §2.4); temporal delimiters, tile lists and padding go.
 */
export class Av1Depacketizer implements Depacketizer {
  #obus: Uint8Array[] = [];
  readonly #open = new Pieces();
  #sequenceHeader: Uint8Array = new Uint8Array(0);
  #format: CodedFormat | undefined;

  push(bytes: Uint8Array, from: number, to: number): void {
    if (from >= to) return;
    const header = u8(bytes, from);
    const count = (header >> 4) & 3;
    if ((header & 0x80) === 0) this.#open.take(); // what was open is not gone on with
    let at = from + 1;
    for (let element = 1; at < to; element++) {
      let end = to;
      if (element !== count) {
        const size = leb128(bytes, at, to);
        if (size < 0) return;
        at += leb128Length(bytes, at, to);
        end = Math.min(to, at + size);
      }
      const orphan = element === 1 && (header & 0x80) !== 0 && this.#open.size === 0;
      if (!orphan) this.#open.add(bytes, at, end);
      const goesOn = end === to && (header & 0x40) !== 0;
      if (!goesOn && !orphan) this.#close();
      at = end;
      if (count !== 0 && element === count) return;
    }
  }

  take(): CodedFrame | undefined {
    this.#open.take();
    const obus = this.#obus;
    this.#obus = [];
    if (obus.length === 0) return undefined;
    let keyframe = false;
    for (const obu of obus) {
      if (!isSequenceHeader(obu)) continue;
      keyframe = true;
      this.#read(obu);
    }
    return { data: concat(obus), keyframe, format: this.#format };
  }

  #close(): void {
    if (this.#open.size === 0) return;
    const obu = withSize(this.#open.take());
    const type = obu === undefined ? PADDING : obuType(u8(obu, 0));
    if (type === TEMPORAL_DELIMITER || type === TILE_LIST || type === PADDING) return;
    if (obu !== undefined && this.#obus.length < OBUS_MAX) this.#obus.push(obu);
  }

  #read(obu: Uint8Array): void {
    if (sameBytes(obu, this.#sequenceHeader)) return;
    const format = formatOfAv1(obu);
    if (format === undefined) return;
    this.#sequenceHeader = obu;
    this.#format = format;
  }
}

/** Of a sequence header; encoders' have some 15. */
export const SEQUENCE_HEADER_MAX_BYTES = 1024;

/** The format that a sequence header OBU with its size tells; `undefined` when it cannot be read. */
export function formatOfAv1(sequenceHeader: Uint8Array): CodedFormat | undefined {
  if (sequenceHeader.length > SEQUENCE_HEADER_MAX_BYTES) return undefined;
  const header = readSequenceHeader(
    sequenceHeader,
    payloadAt(sequenceHeader),
    sequenceHeader.length,
  );
  return header && formatOf(header, sequenceHeader);
}

/** Of an OBU with a size. */
function payloadAt(obu: Uint8Array): number {
  const at = headerBytes(u8(obu, 0));
  return at + leb128Length(obu, at, obu.length);
}

/** av1C (AV1 in ISO-BMFF §2.3.3) and `codecs=` (§5). */
function formatOf(header: SequenceHeader, obu: Uint8Array): CodedFormat {
  const { profile, level, tier, highBitDepth, twelveBit, monochrome } = header;
  const flag = (on: boolean, shift: number): number => (on ? 1 << shift : 0);
  const flags =
    (tier << 7) |
    flag(highBitDepth, 6) |
    flag(twelveBit, 5) |
    flag(monochrome, 4) |
    flag(header.subsamplingX, 3) |
    flag(header.subsamplingY, 2) |
    header.chromaSamplePosition;
  const depth = twelveBit ? 12 : highBitDepth ? 10 : 8;
  const two = (number: number): string => String(number).padStart(2, "0");
  return {
    configuration: concat([Uint8Array.of(0x81, (profile << 5) | level, flags, 0), obu]),
    codecString: `av01.${profile}.${two(level)}${tier === 0 ? "M" : "H"}.${two(depth)}`,
    width: header.width,
    height: header.height,
  };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
