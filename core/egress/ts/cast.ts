import type { Millis } from "../../base/mod.ts";
import type { MediaKind } from "../../media/mod.ts";
import type { Frame, FrameFormat } from "../../stream/mod.ts";
import type { TsPayload } from "../../wire/mpegts/mod.ts";
import {
  type Beginning,
  Cast,
  type CastMade,
  type CastMuxer,
  type CastOptions,
  type Introduction,
  type MadeBytes,
} from "../cast/mod.ts";
import { CLOCK, encodePayloads, fitsTs, Program } from "./program.ts";
import { SoundUnits } from "./sound_units.ts";

/** PAT and PMT come again after so long: at the latest after 500 ms (ETSI TR 101 290 §5.2.1). */
const TABLES_TICKS: number = 0.25 * CLOCK;
/** What is gathered of sound: five frames of 48 kHz, as they come in 100 ms. */
const SOUND_TICKS: number = 0.11 * CLOCK;
/** A PCR comes after so long at the latest (ISO/IEC 13818-1 §2.7.2). */
const CLOCK_TICKS: number = 0.1 * CLOCK;
/** How much of a pause is filled with PCRs. */
const PAUSE_TICKS: number = CLOCK;
/** Sound tells the PCR where pictures have paused for so long; that they are so far behind is usual. */
const BEHIND_TICKS: number = 0.5 * CLOCK;
/** Sound may be so much older than the stream's first picture: its PCRs do not get below 0. */
const OLDEST_TICKS: number = -0.2 * CLOCK;
/** Frames of AAC-LC have so many samples; those of others go alone. */
const SOUND_SAMPLES = 1024;
/** What a frame costs in memory besides its bytes, about. */
const FRAME_COST_BYTES = 128;
const KINDS: readonly MediaKind[] = ["video", "audio"];

/** Whole packets. */
export interface TsPackets extends CastMade<TsPackets>, MadeBytes {
  /** What goes before them to who has not got all before, on the first ones of a batch. */
  readonly resumption?: readonly TsPayload[];
}

interface TsFrame {
  readonly frame: Frame;
  readonly late: boolean;
}

/** A frame, or what those behind it are. */
export type TsPiece = TsFrame | FrameFormat;

export type TsCast = Cast<TsPiece, TsPackets>;

/** A stream as transport packets, for many viewers. */
export function tsCast(options: CastOptions): TsCast {
  return new Cast(new PacketMuxer(), options);
}

/**
 * Frames become packets when they are sealed, which is when their tracks are known, and sound that goes into
 * one PES packet is together. Batches that begin with a keyframe begin with PAT, PMT and PCR.
 */
class PacketMuxer implements CastMuxer<TsPiece, TsPackets> {
  readonly #program = new Program();
  readonly #sound = new SoundUnits((ticks, frames) => this.#putSound(ticks, frames), SOUND_TICKS);
  /** The first format of each kind that the publisher told, and the latest. */
  readonly #first = new Map<MediaKind, FrameFormat>();
  readonly #latest = new Map<MediaKind, FrameFormat>();
  /** Those of what is sealed. */
  readonly #formats = new Map<MediaKind, FrameFormat>();
  #base: Millis | undefined;
  /** Of what was sealed last, in ticks. */
  #tables: readonly TsPayload[] = [];
  #tablesAt: number = Number.NEGATIVE_INFINITY;
  #pictureAt: number = Number.NEGATIVE_INFINITY;
  #clockAt: number | undefined;
  /** Of the batch that is sealed. */
  #made: TsPackets[] = [];
  #payloads: TsPayload[] = [];
  #resumption: readonly TsPayload[] = [];
  #late: Millis | undefined;

  get tracks(): number {
    return this.#first.size;
  }

  has(kind: MediaKind): boolean {
    return this.#latest.has(kind);
  }

  setFormat(format: FrameFormat): FrameFormat[] {
    const { kind } = format;
    if (!this.#first.has(kind)) this.#first.set(kind, format);
    if (fitsTs(format)) this.#latest.set(kind, format);
    else this.#latest.delete(kind);
    return [format];
  }

  clearFormats(): void {
    this.#first.clear();
    this.#latest.clear();
  }

  settle(): void {
    this.#formats.clear();
    for (const kind of KINDS) {
      const format = this.#first.get(kind);
      if (format !== undefined && fitsTs(format)) this.#formats.set(kind, format);
    }
    this.#program.setFormats([...this.#formats.values()]);
  }

  frame(frame: Frame, late: boolean): TsFrame | undefined {
    return this.has(frame.kind) ? { frame, late } : undefined;
  }

  sizeOf(one: TsPiece | TsPackets): number {
    const bytes = "bytes" in one ? one.bytes : "codec" in one ? one.configuration : one.frame.data;
    return bytes.length + FRAME_COST_BYTES;
  }

  seal(pieces: readonly TsPiece[]): readonly TsPackets[] {
    this.#made = [];
    for (const piece of pieces) {
      if ("codec" in piece) this.#setFormat(piece);
      else this.#put(piece);
    }
    this.#sound.flush();
    this.#end();
    return this.#made;
  }

  introduction({ anew, next }: Beginning<TsPackets>): Introduction<TsPackets> | undefined {
    const resumption = next[0]?.resumption;
    if (anew || resumption === undefined) return undefined;
    return { made: [{ bytes: encodePayloads(resumption) }] };
  }

  #setFormat(format: FrameFormat): void {
    this.#sound.flush();
    if (fitsTs(format)) this.#formats.set(format.kind, format);
    else this.#formats.delete(format.kind);
    this.#program.setFormats(KINDS.flatMap((kind) => this.#formats.get(kind) ?? []));
  }

  #put({ frame, late }: TsFrame): void {
    this.#base ??= frame.dts;
    const ticks = this.#ticks(frame.dts);
    if (ticks < OLDEST_TICKS) return;
    if (frame.kind === "video") {
      this.#putPicture(ticks, frame);
      return;
    }
    const lateAt = late ? frame.dts : undefined;
    if ((lateAt === undefined) !== (this.#late === undefined)) this.#sound.flush();
    this.#late = lateAt;
    const rate = this.#formats.get("audio")?.sampleRate || SOUND_SAMPLES;
    this.#sound.put(ticks, ticks + (SOUND_SAMPLES * CLOCK) / rate, frame.data);
  }

  #putPicture(ticks: number, { pts, keyframe, data }: Frame): void {
    this.#lead(this.#clockDue(ticks), keyframe);
    this.#pictureAt = ticks;
    this.#tell(ticks);
    const told = this.#clockAt !== undefined && this.#clockAt >= ticks;
    if (!told) this.#clockAt = ticks;
    const picture = { dts: ticks, pts: this.#ticks(pts), keyframe, data };
    const payload = this.#program.picture(picture, !told);
    if (payload !== undefined) this.#payloads.push(payload);
  }

  #putSound(ticks: number, frames: readonly Uint8Array[]): void {
    const payload = this.#program.sound(ticks, frames);
    if (payload === undefined) return;
    this.#lead(ticks, false);
    if (!this.#program.has("video")) {
      this.#tell(ticks);
      this.#clockAt = ticks;
    } else if (this.#clockAt !== undefined) this.#tell(ticks - BEHIND_TICKS);
    else this.#tellAt(ticks - BEHIND_TICKS);
    if (this.#late === undefined) {
      this.#payloads.push(payload);
      return;
    }
    this.#end();
    const bytes = this.#program.encode([payload]);
    const instead = { bytes: encodePayloads([this.#program.soundLeftOut()]) };
    this.#made.push({ bytes, late: this.#late, instead });
  }

  /** PAT and PMT, when it is time. */
  #lead(ticks: number, keyframe: boolean): void {
    const begins = this.#made.length === 0 && this.#payloads.length === 0;
    if (begins) this.#resumption = this.#program.resumption(this.#clockAt ?? ticks);
    // Without pictures, viewers begin with any batch.
    const anywhere = begins && ticks - this.#pictureAt > CLOCK;
    const { tables } = this.#program;
    const due = ticks - this.#tablesAt >= TABLES_TICKS || tables !== this.#tables;
    if (!keyframe && !anywhere && !due) return;
    this.#tables = tables;
    this.#tablesAt = ticks;
    this.#payloads.push(...tables);
  }

  /** The PCRs that are missing before `ticks`. */
  #tell(ticks: number): void {
    for (let at = this.#clockDue(ticks); at < ticks; at += CLOCK_TICKS) {
      this.#lead(at, false);
      this.#tellAt(at);
    }
  }

  #tellAt(ticks: number): void {
    this.#payloads.push(this.#program.clock(ticks));
    this.#clockAt = ticks;
  }

  /** When the next PCR is due, at `ticks` at the latest. */
  #clockDue(ticks: number): number {
    if (this.#clockAt === undefined) return ticks;
    return Math.min(ticks, Math.max(this.#clockAt + CLOCK_TICKS, ticks - PAUSE_TICKS));
  }

  /** What was put so far. */
  #end(): void {
    if (this.#payloads.length === 0) return;
    const bytes = this.#program.encode(this.#payloads);
    const first = this.#made.length === 0;
    this.#made.push(first ? { bytes, resumption: this.#resumption } : { bytes });
    this.#payloads = [];
  }

  #ticks(at: Millis): number {
    return Math.round((at - (this.#base ?? at)) * (CLOCK / 1000));
  }
}
