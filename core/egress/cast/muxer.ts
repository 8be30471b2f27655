import type { Millis } from "../../base/mod.ts";
import type { MediaKind } from "../../media/mod.ts";
import type { Frame, FrameFormat } from "../../stream/mod.ts";

/** What is sent of a stream, to be framed. */
export interface CastMade<Made> {
  /** Of sound that is older than the keyframe before it, as transcoded sound may be: its `dts`. */
  readonly late?: Millis;
  /** What stands in its place for who began with that keyframe; nothing does when absent. */
  readonly instead?: Made;
}

/** What frames become for a cast: a `Piece` each as they come, `Made` when what was gathered is flushed. */
export interface CastMuxer<Piece, Made extends CastMade<Made>> {
  /** How many tracks the stream has, with those that are left out. */
  readonly tracks: number;
  /** Whether there is a track of this kind that is not left out. */
  has(kind: MediaKind): boolean;
  /** Notes what comes from now on; returns what tells it in its place. */
  setFormat(format: FrameFormat): readonly Piece[];
  /** The publisher is gone. */
  clearFormats(): void;
  /** The tracks there are now are those of what is sealed next. */
  settle(): void;
  /** `late` as in `CastMade`. `undefined` for what is left out. */
  frame(frame: Frame, late: boolean): Piece | undefined;
  /** What one of them costs in memory, in bytes, about. */
  sizeOf(one: Piece | Made): number;
  /** The last form of what a batch gathered; all batches come by here once, in their order. */
  seal(pieces: readonly Piece[]): readonly Made[];
  /** What a viewer is sent first; `undefined` for nothing. */
  introduction(place: Beginning<Made>): Introduction<Made> | undefined;
}

/** Where a viewer begins, or goes on after a gap. */
export interface Beginning<Made> {
  readonly anew: boolean;
  /** Whether the formats are those that he was told. */
  readonly told: boolean;
  /** What he gets next. */
  readonly next: readonly Made[];
}

export interface Introduction<Made> {
  readonly made: readonly Made[];
  /** What files begin with, where there is such a thing. */
  readonly header?: Uint8Array;
}

/** How it travels; the same function for all viewers of a kind, so that they share the bytes. */
export type Framing<Made> = (made: readonly Made[], header?: Uint8Array) => Uint8Array;
