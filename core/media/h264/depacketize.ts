import { BitReader, u8, u16 } from "../../bytes/mod.ts";
import type { CodedFormat, CodedFrame, Depacketizer } from "../coded.ts";
import { NalUnit, sampleOf } from "../nal_units.ts";
import { ParameterSets } from "../parameter_sets.ts";
import { rbspOf } from "../rbsp.ts";
import { encodeConfiguration } from "./decoder_configuration.ts";
import { describeSps } from "./sps.ts";

const IDR = 5;
const SPS = 7;
const PPS = 8;
const DELIMITER = 9;
const FILLER = 12;
const STAP_A = 24;
const FU_A = 28;

/**
 * Puts NAL units together again (RFC 6184 §5.6 to §5.8, packetization-mode 0 and 1). Parameter sets
 * go into the format, delimiters and filler go.
 */
export class H264Depacketizer implements Depacketizer {
  readonly #sets = new ParameterSets();
  #units: NalUnit[] = [];
  #fragment: NalUnit | undefined;
  #format: CodedFormat | undefined;

  push(bytes: Uint8Array, from: number, to: number): void {
    if (from >= to) return;
    const type = u8(bytes, from) & 0x1f;
    if (type === FU_A) this.#pushFragment(bytes, from, to);
    else if (type === STAP_A) this.#pushAggregate(bytes, from + 1, to);
    else if (type > 0 && type < STAP_A) this.#units.push(new NalUnit([]).add(bytes, from, to));
  }

  take(): CodedFrame | undefined {
    const units = this.#units;
    this.#units = [];
    this.#fragment = undefined;
    const kept: NalUnit[] = [];
    let keyframe = false;
    let picture = false;
    for (const unit of units) {
      const type = unit.first & 0x1f;
      if (type === SPS || type === PPS) this.#sets.put(keyOf(type, unit), unit.bytes());
      if (type === SPS || type === PPS || type === DELIMITER || type === FILLER) continue;
      if (type >= 1 && type <= IDR) picture = true;
      if (type === IDR) keyframe = true;
      kept.push(unit);
    }
    if (this.#sets.takeChange()) this.#format = this.#makeFormat() ?? this.#format;
    if (!picture) return undefined;
    return { data: sampleOf(kept), keyframe, format: this.#format };
  }

  #makeFormat(): CodedFormat | undefined {
    const configuration = encodeConfiguration([...this.#sets.of("s"), ...this.#sets.of("p")]);
    const [sps] = this.#sets.of("s");
    const size = sps && describeSps(sps, 0, sps.length);
    if (configuration === undefined || sps === undefined || size === undefined) return undefined;
    const digits = [1, 2, 3].map((at) => u8(sps, at).toString(16).padStart(2, "0")).join("");
    return { configuration, codecString: `avc1.${digits}`, width: size.width, height: size.height };
  }

  #pushFragment(bytes: Uint8Array, from: number, to: number): void {
    if (from + 2 >= to) return;
    const head = u8(bytes, from + 1);
    if ((head & 0x80) !== 0) {
      this.#fragment = new NalUnit([(u8(bytes, from) & 0xe0) | (head & 0x1f)]);
      this.#units.push(this.#fragment);
    }
    this.#fragment?.add(bytes, from + 2, to);
    if ((head & 0x40) !== 0) this.#fragment = undefined;
  }

  #pushAggregate(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at + 2 < to; ) {
      const end = Math.min(to, at + 2 + u16(bytes, at));
      if (end > at + 2) this.#units.push(new NalUnit([]).add(bytes, at + 2, end));
      at = Math.max(end, at + 2);
    }
  }
}

/** Kind and id: of a sequence parameter set behind profile and level, of a picture one first. */
function keyOf(type: number, unit: NalUnit): string {
  const bytes = unit.bytes();
  const bits = new BitReader(rbspOf(bytes, type === SPS ? 4 : 1, Math.min(bytes.length, 16)));
  return `${type === SPS ? "s" : "p"}${bits.ue()}`;
}
