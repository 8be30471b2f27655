import { type Fault, isFault } from "../../base/mod.ts";
import { concat } from "../../bytes/mod.ts";
import type { CodedFormat } from "../coded.ts";
import type { PayloadSink } from "../payload_sink.ts";
import type { Picture, PictureReader } from "../picture.ts";
import { formatOfAv1 } from "./depacketize.ts";
import { packetizeAv1 } from "./packetize.ts";
import {
  isSequenceHeader,
  obusOfConfiguration,
  splitTemporalUnit,
  withSize,
} from "./temporal_unit.ts";

/** Temporal units (AV1 in ISO-BMFF §2.4); hidden pictures are in the unit of the one that is shown. */
export class Av1Pictures implements PictureReader {
  #sequenceHeader: Uint8Array | undefined;
  #format: CodedFormat | undefined;
  #obus: readonly Uint8Array[] = [];
  #keyframe = false;

  configure(record: Uint8Array): undefined {
    const header = obusOfConfiguration(record).find(isSequenceHeader);
    if (header !== undefined) this.#setHeader(header.slice());
  }

  read(data: Uint8Array, keyframe: boolean): Picture | Fault | undefined {
    const obus = splitTemporalUnit(data);
    if (isFault(obus)) return obus;
    const own = obus.find(isSequenceHeader);
    // Receivers take a sequence header for the sign of a keyframe.
    const pictures = obus
      .filter((obu) => !isSequenceHeader(obu))
      .flatMap((obu) => withSize(obu) ?? []);
    if (keyframe && own !== undefined) this.#setHeader(own.slice());
    if (this.#sequenceHeader === undefined || this.#format === undefined) return undefined;
    if (pictures.length === 0) return undefined;
    this.#keyframe = keyframe;
    this.#obus = keyframe ? [this.#sequenceHeader, ...pictures] : pictures;
    const format = this.#format;
    const flags = { keyframe, disposable: false, bidirectional: false };
    return { data: concat(this.#obus), format, ...flags };
  }

  packetize(payloadMax: number, put: PayloadSink): void {
    packetizeAv1(this.#obus, this.#keyframe, payloadMax, put);
  }

  #setHeader(obu: Uint8Array): void {
    const header = withSize(obu);
    const known = this.#sequenceHeader;
    if (header === undefined || (known !== undefined && same(known, header))) return;
    const format = formatOfAv1(header);
    if (format === undefined) return;
    this.#sequenceHeader = header;
    this.#format = format;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
