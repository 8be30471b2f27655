/** RTP payloads of NAL units, for H.264 and H.265 alike (RFC 6184 §5.6 to §5.8, RFC 7798 §4.4). @module */
import { u8, u16 } from "../bytes/mod.ts";
import type { CodedFormat, CodedFrame, Depacketizer } from "./coded.ts";
import { NalUnit, sampleOf } from "./nal_units.ts";
import { ParameterSets } from "./parameter_sets.ts";

/** NAL units of one frame; a picture at the slices of 1,200 bytes that some encoders make has 2,000 of them. */
export const NAL_UNITS_MAX = 4096;

/** What the two codecs do not share. */
export interface NalSyntax {
  /** Of a NAL unit. */
  readonly headerBytes: 1 | 2;
  /** nal_unit_type in the first byte. */
  typeOf(first: number): number;
  /** Types of payloads that hold several units, and of those that hold a part of one. */
  readonly aggregation: number;
  readonly fragment: number;
  /** What a unit of this type is; `dropped` goes, `other` stays with the picture. */
  kindOf(type: number): "picture" | "keyframe" | "parameter-set" | "dropped" | "other";
  /** The header of a unit whose fragments stand behind `bytes[from..]`. */
  fragmentHeader(bytes: Uint8Array, from: number): readonly number[];
  /** Kind and id of a parameter set. */
  keyOf(type: number, unit: Uint8Array): string;
  formatOf(sets: ParameterSets): CodedFormat | undefined;
}

/** Parameter sets go into the format; the picture's units stand behind their lengths. */
export class NalDepacketizer implements Depacketizer {
  readonly #syntax: NalSyntax;
  readonly #sets = new ParameterSets();
  #units: NalUnit[] = [];
  #fragment: NalUnit | undefined;
  #format: CodedFormat | undefined;

  constructor(syntax: NalSyntax) {
    this.#syntax = syntax;
  }

  push(bytes: Uint8Array, from: number, to: number): void {
    const { headerBytes, aggregation, fragment } = this.#syntax;
    if (from + headerBytes > to) return;
    const type = this.#syntax.typeOf(u8(bytes, from));
    if (type === fragment) this.#pushFragment(bytes, from, to);
    else if (type === aggregation) this.#pushAggregate(bytes, from + headerBytes, to);
    else if (type < aggregation) this.#add(new NalUnit([]).add(bytes, from, to));
  }

  take(): CodedFrame | undefined {
    const units = this.#units;
    this.#units = [];
    this.#fragment = undefined;
    const kept: NalUnit[] = [];
    let keyframe = false;
    let picture = false;
    for (const unit of units) {
      const type = this.#syntax.typeOf(unit.first);
      const kind = this.#syntax.kindOf(type);
      if (kind === "parameter-set") {
        const set = unit.bytes();
        this.#sets.put(this.#syntax.keyOf(type, set), set);
      }
      if (kind === "parameter-set" || kind === "dropped") continue;
      if (kind === "keyframe") keyframe = true;
      if (kind !== "other") picture = true;
      kept.push(unit);
    }
    if (this.#sets.takeChange()) this.#format = this.#syntax.formatOf(this.#sets) ?? this.#format;
    return picture ? { data: sampleOf(kept), keyframe, format: this.#format } : undefined;
  }

  /** Those beyond the bound are left out: nobody who means to be seen sends them. */
  #add(unit: NalUnit): void {
    if (this.#units.length < NAL_UNITS_MAX) this.#units.push(unit);
  }

  /** `|S|E|...|type|` stands behind the payload's header, then a part of the unit. */
  #pushFragment(bytes: Uint8Array, from: number, to: number): void {
    const { headerBytes } = this.#syntax;
    const at = from + headerBytes;
    if (at + 1 >= to) return;
    const head = u8(bytes, at);
    if ((head & 0x80) !== 0) {
      this.#fragment = new NalUnit(this.#syntax.fragmentHeader(bytes, from));
      this.#add(this.#fragment);
    }
    this.#fragment?.add(bytes, at + 1, to);
    if ((head & 0x40) !== 0) this.#fragment = undefined;
  }

  #pushAggregate(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at + 2 < to; ) {
      const end = Math.min(to, at + 2 + u16(bytes, at));
      const whole = end >= at + 2 + this.#syntax.headerBytes;
      if (whole) this.#add(new NalUnit([]).add(bytes, at + 2, end));
      at = Math.max(end, at + 2);
    }
  }
}
