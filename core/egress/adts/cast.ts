import {
  ADTS_BYTES,
  ADTS_MAX_FRAME_BYTES,
  adtsHeader,
  putAdtsHeader,
} from "../../media/aac/mod.ts";
import type { MediaKind } from "../../media/mod.ts";
import type { Frame, FrameFormat } from "../../stream/mod.ts";
import {
  Cast,
  type CastMade,
  type CastMuxer,
  type CastOptions,
  type MadeBytes,
} from "../cast/mod.ts";

/** A frame behind its header. */
export interface AdtsBytes extends CastMade<AdtsBytes>, MadeBytes {}

export type AdtsCast = Cast<AdtsBytes, AdtsBytes>;

/** What a frame costs in memory besides its bytes, about. */
const FRAME_COST_BYTES = 128;

/** The sound of a stream as AAC, for many listeners. */
export function adtsCast(options: CastOptions): AdtsCast {
  return new Cast(new AdtsMuxer(), options);
}

/** Every frame tells its configuration, so that one can begin with any. */
class AdtsMuxer implements CastMuxer<AdtsBytes, AdtsBytes> {
  #header: Uint8Array | undefined;
  #told = false;

  /** Pictures are not waited for. */
  get tracks(): number {
    return this.#told ? 2 : 0;
  }

  has(kind: MediaKind): boolean {
    return kind === "audio" && this.#header !== undefined;
  }

  setFormat({ kind, codec, configuration }: FrameFormat): AdtsBytes[] {
    if (kind !== "audio") return [];
    this.#told = true;
    this.#header = codec === "aac" ? adtsHeader(configuration) : undefined;
    return [];
  }

  clearFormats(): void {
    this.#header = undefined;
    this.#told = false;
  }

  settle(): void {}

  frame({ kind, data }: Frame): AdtsBytes | undefined {
    const header = this.#header;
    if (kind !== "audio" || header === undefined || data.length > ADTS_MAX_FRAME_BYTES)
      return undefined;
    const bytes = new Uint8Array(ADTS_BYTES + data.length);
    putAdtsHeader(bytes, 0, header, data.length);
    bytes.set(data, ADTS_BYTES);
    return { bytes };
  }

  sizeOf({ bytes }: AdtsBytes): number {
    return bytes.length + FRAME_COST_BYTES;
  }

  seal(frames: readonly AdtsBytes[]): readonly AdtsBytes[] {
    return frames;
  }

  introduction(): undefined {}
}
