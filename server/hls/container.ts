/** What segments are made of. @module */
import type { MediaPart } from "../../core/egress/hls/mod.ts";
import { fitsMp4, type Mp4Run, type Mp4Track } from "../../core/egress/mp4/mod.ts";
import { fitsTs, TsMuxer } from "../../core/egress/ts/mod.ts";
import type { FrameFormat } from "../../core/stream/mod.ts";
import { fragment, initSegment } from "../mp4_boxes/mod.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** The segments of one rendition, in their order. */
export interface Container {
  /** New tracks; returns what players need before their segments, if that is not in them. */
  begin(tracks: readonly Mp4Track[]): Bytes | undefined;
  /** `first` of its segment. */
  part(runs: MediaPart["runs"], first: boolean): Bytes;
}

export interface SegmentFormat {
  /** Fragmented MP4 has init segments and parts, a transport stream has neither. */
  readonly name: "mp4" | "ts";
  readonly fits: (format: FrameFormat) => boolean;
  readonly extension: "m4s" | "ts";
  container(): Container;
}

class Fragments implements Container {
  #sequence = 0;

  begin(tracks: readonly Mp4Track[]): Bytes {
    return initSegment(tracks);
  }

  part(runs: readonly Mp4Run[]): Bytes {
    return fragment(++this.#sequence, runs);
  }
}

class TransportStream implements Container {
  readonly #muxer = new TsMuxer();

  begin(tracks: readonly Mp4Track[]): undefined {
    this.#muxer.setFormats(tracks.map(({ format }) => format));
  }

  part(runs: readonly Mp4Run[], first: boolean): Bytes {
    return this.#muxer.encode(runs, first);
  }
}

export const MP4: SegmentFormat = {
  name: "mp4",
  fits: fitsMp4,
  extension: "m4s",
  container: () => new Fragments(),
};

export const TS: SegmentFormat = {
  name: "ts",
  fits: fitsTs,
  extension: "ts",
  container: () => new TransportStream(),
};
