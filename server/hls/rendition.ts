import type { HlsNames, MediaPart, SegmentEntry } from "../../core/egress/hls/mod.ts";
import type { Mp4Track } from "../../core/egress/mp4/mod.ts";
import type { FrameFormat } from "../../core/stream/mod.ts";
import type { Bytes, Container, SegmentFormat } from "./container.ts";

/** The bytes of a segment and its parts. */
interface Stored {
  readonly parts: Bytes[];
  whole: Bytes | undefined;
  pictures: number;
}

/** All tracks, or the sound alone for who has no room for pictures. */
export type RenditionName = "media" | "audio";

/** What players are told of it; bit/s. */
export interface RenditionFacts {
  readonly formats: readonly FrameFormat[];
  readonly peakBitrate: number;
  readonly averageBitrate: number;
  readonly frameRate: number;
}

/** Segments, parts and init segments as bytes. All renditions of a stream have the same numbers. */
export class Rendition {
  readonly name: RenditionName;
  readonly names: HlsNames;
  readonly #container: Container;
  readonly #maxInits: number;
  readonly #inits = new Map<number, Bytes>();
  readonly #stored = new Map<number, Stored>();
  #formats: readonly FrameFormat[] = [];
  #bytes = 0;

  constructor(name: RenditionName, prefix: string, format: SegmentFormat, maxInits: number) {
    this.name = name;
    this.#container = format.container();
    this.#maxInits = maxInits;
    const id = name === "audio" ? `${prefix}-a` : `${prefix}-`;
    this.names = {
      ...(format.name === "mp4" ? { init: (map: number) => `${id}init${map}.mp4` } : {}),
      segment: (number) => `${id}${number}.${format.extension}`,
      part: (number, part) => `${id}${number}.${part}.${format.extension}`,
    };
  }

  /** What it keeps. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#stored.size;
  }

  init(map: number): Bytes | undefined {
    return this.#inits.get(map);
  }

  segment(number: number): Bytes | undefined {
    return this.#stored.get(number)?.whole;
  }

  part(number: number, part: number): Bytes | undefined {
    return this.#stored.get(number)?.parts[part];
  }

  /** How many parts a segment has. */
  parts(number: number): number {
    return this.#stored.get(number)?.parts.length ?? 0;
  }

  start({ number, map }: SegmentEntry, tracks: readonly Mp4Track[] | undefined): void {
    this.#stored.set(number, { parts: [], whole: undefined, pictures: 0 });
    if (tracks === undefined) return;
    const own = tracks.filter(({ format }) => this.#has(format));
    this.#formats = own.map(({ format }) => format);
    this.#inits.delete(map - this.#maxInits);
    const init = own.length > 0 ? this.#container.begin(own) : undefined;
    if (init !== undefined) this.#inits.set(map, init);
  }

  addPart(number: number, runs: MediaPart["runs"]): void {
    const stored = this.#stored.get(number);
    if (stored === undefined) return;
    const own = runs.filter(({ track }) => this.#has(track.format));
    // A gap keeps its place.
    const bytes = own.length > 0 ? this.#container.part(own, isFirst(stored)) : NOTHING;
    stored.parts.push(bytes);
    this.#bytes += bytes.length;
    for (const { track, samples } of own)
      if (track.format.kind === "video") stored.pictures += samples.length;
  }

  end(number: number): void {
    const stored = this.#stored.get(number);
    if (stored !== undefined) join(stored);
  }

  forget(number: number): void {
    this.#bytes -= this.#stored.get(number)?.whole?.length ?? 0;
    this.#stored.delete(number);
  }

  clear(): void {
    this.#stored.clear();
    this.#bytes = 0;
  }

  /** Of those segments that are complete. */
  facts(segments: readonly SegmentEntry[]): RenditionFacts {
    let [peakBitrate, bits, millis, frameRate] = [0, 0, 0, 0];
    for (const { number, duration } of segments) {
      const { whole, pictures } = this.#stored.get(number) ?? {};
      if (whole === undefined || pictures === undefined || duration <= 0) continue;
      peakBitrate = Math.max(peakBitrate, (whole.length * 8000) / duration);
      frameRate = Math.max(frameRate, (pictures * 1000) / duration);
      bits += whole.length * 8;
      millis += duration;
    }
    const averageBitrate = millis > 0 ? (bits * 1000) / millis : 0;
    return { formats: this.#formats, peakBitrate, averageBitrate, frameRate };
  }

  #has({ kind }: FrameFormat): boolean {
    return this.name === "media" || kind === "audio";
  }
}

const NOTHING: Bytes = new Uint8Array(0);

function isFirst({ parts }: Stored): boolean {
  return parts.every(({ length }) => length === 0);
}

/** Makes one piece of the parts, which become views of it: nothing is kept twice. */
function join(stored: Stored): void {
  let length = 0;
  for (const part of stored.parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const [i, part] of stored.parts.entries()) {
    whole.set(part, at);
    stored.parts[i] = whole.subarray(at, at + part.length);
    at += part.length;
  }
  stored.whole = whole;
}
