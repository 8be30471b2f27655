import type { MediaKind } from "../../media/mod.ts";
import type { Frame, FrameFormat } from "../../stream/mod.ts";
import {
  type Beginning,
  Cast,
  type CastMuxer,
  type CastOptions,
  type CastViewer,
  type Introduction,
} from "../cast/mod.ts";
import { encodeFlvHeader } from "./framing.ts";
import { FlvMuxer, type FlvMuxerOptions, type FlvTag, TagType } from "./muxer.ts";

/** What a tag costs in memory besides its body, about: there are publishers who send single bytes. */
export const TAG_COST_BYTES = 128;

export type FlvCast = Cast<FlvTag, FlvTag>;
export type FlvViewer = CastViewer<FlvTag>;

/** A stream as tags, for many viewers. */
export function flvCast(options: CastOptions & FlvMuxerOptions): FlvCast {
  return new Cast(new TagMuxer(options), options);
}

/** Tags are what they are when they come; a viewer's file begins with what decoders need to know. */
class TagMuxer implements CastMuxer<FlvTag, FlvTag> {
  readonly #muxer: FlvMuxer;

  constructor(options: FlvMuxerOptions) {
    this.#muxer = new FlvMuxer(options);
  }

  get tracks(): number {
    return this.#muxer.tracks;
  }

  has(kind: MediaKind): boolean {
    return this.#muxer.format(kind) !== undefined;
  }

  setFormat(format: FrameFormat): FlvTag[] {
    this.#muxer.setFormat(format);
    // The other track's configuration holds; to tell it again makes some decoders (FFmpeg's of VP9) begin anew.
    return this.#muxer.headers(undefined, format.kind);
  }

  clearFormats(): void {
    this.#muxer.clearFormats();
  }

  settle(): void {}

  frame(frame: Frame, late: boolean): FlvTag | undefined {
    const tag = this.#muxer.frame(frame);
    return tag !== undefined && late ? { ...tag, late: frame.dts } : tag;
  }

  sizeOf({ body }: FlvTag): number {
    return body.length + TAG_COST_BYTES;
  }

  seal(tags: readonly FlvTag[]): readonly FlvTag[] {
    return tags;
  }

  introduction({ anew, told, next }: Beginning<FlvTag>): Introduction<FlvTag> | undefined {
    if (!anew && told) return undefined;
    const made = this.#muxer.headers(next[0]?.timestamp);
    if (!anew) return { made };
    const header = encodeFlvHeader(this.has("video"), this.has("audio"));
    return { made: made.map(asFirst), header };
  }
}

/** FFmpeg takes an onMetaData of a later time for a track of text. */
function asFirst(tag: FlvTag): FlvTag {
  return tag.type === TagType.Script ? { ...tag, timestamp: 0 } : tag;
}
