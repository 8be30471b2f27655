/** Pictures of H.264 and H.265. @module */
import { type Fault, isFault } from "../base/mod.ts";
import type { Depacketizer } from "./coded.ts";
import { type NalConfiguration, splitSample } from "./nal_sample.ts";
import type { PayloadSink } from "./payload_sink.ts";
import type { Picture, PictureReader } from "./picture.ts";

/** What the two codecs do not share. */
export interface NalPictureSyntax {
  decodeConfiguration(record: Uint8Array): NalConfiguration | Fault;
  depacketizer(): Depacketizer;
  packetize(units: readonly Uint8Array[], payloadMax: number, put: PayloadSink): void;
  /** `dropped` goes: delimiters, filler, and what is no NAL unit. */
  kindOf(unit: Uint8Array): "picture" | "keyframe" | "parameter-set" | "dropped" | "other";
  /** Of a picture's unit: no other picture refers to it. */
  isDisposable(unit: Uint8Array): boolean;
  isBidirectional(unit: Uint8Array): boolean;
}

/** NAL units behind their lengths, as samples have them (ISO/IEC 14496-15 §5.3.4.2). */
export class NalPictures implements PictureReader {
  readonly #syntax: NalPictureSyntax;
  #record: Uint8Array = new Uint8Array(0);
  #configuration: NalConfiguration | undefined;
  #depacketizer: Depacketizer;
  #units: readonly Uint8Array[] = [];

  constructor(syntax: NalPictureSyntax) {
    this.#syntax = syntax;
    this.#depacketizer = syntax.depacketizer();
  }

  configure(record: Uint8Array): Fault | undefined {
    // Some encoders repeat it: what is the same is no news to muxers, either.
    const known = this.#record;
    if (known.length === record.length && known.every((byte, i) => byte === record[i])) return;
    const configuration = this.#syntax.decodeConfiguration(record);
    if (isFault(configuration)) return configuration;
    this.#record = record.slice();
    this.#configuration = configuration;
    this.#depacketizer = this.#syntax.depacketizer();
    for (const set of configuration.parameterSets) this.#depacketizer.push(set, 0, set.length);
    this.#depacketizer.take();
    return undefined;
  }

  read(data: Uint8Array, keyframe: boolean): Picture | Fault | undefined {
    const syntax = this.#syntax;
    if (this.#configuration === undefined) return undefined;
    const units = splitSample(data, this.#configuration.lengthBytes);
    if (isFault(units)) return units;
    const kept = units.filter((unit) => syntax.kindOf(unit) !== "dropped");
    const key = keyframe || kept.some((unit) => syntax.kindOf(unit) === "keyframe");
    const all = key ? this.#withParameterSets(kept) : kept;
    for (const unit of all) this.#depacketizer.push(unit, 0, unit.length);
    const coded = this.#depacketizer.take();
    if (coded?.format === undefined) return undefined;
    this.#units = all;
    return {
      data: coded.data,
      format: coded.format,
      keyframe: key,
      disposable: !key && kept.every((unit) => syntax.isDisposable(unit)),
      bidirectional: kept.some((unit) => syntax.isBidirectional(unit)),
    };
  }

  packetize(payloadMax: number, put: PayloadSink): void {
    this.#syntax.packetize(this.#units, payloadMax, put);
  }

  /** In front of a keyframe the parameter sets stand, whether the encoder repeats them or not. */
  #withParameterSets(units: readonly Uint8Array[]): Uint8Array[] {
    const isSet = (unit: Uint8Array): boolean => this.#syntax.kindOf(unit) === "parameter-set";
    const own = units.filter(isSet);
    const sets = own.length > 0 ? own : (this.#configuration?.parameterSets ?? []);
    return [...sets, ...units.filter((unit) => !isSet(unit))];
  }
}
