import type { Track } from "./track.ts";

/** Segments kept: older ones are out of reach of NACK and reports anyway. */
const MAX_SEGMENTS = 16;

/** A run: packets of one track that were sent one behind the other. */
export interface Segment {
  readonly track: Track;
  /** First index of the track that was sent. */
  readonly from: number;
  /** One past the last, once it is closed. */
  end: number;
  /** Added to the track's index. */
  readonly offset: number;
  /** Added to the track's timestamp. */
  readonly timestampOffset: number;
}

/**
 * What a viewer has been sent of a track or of its layers, as runs of indexes, each with the offset
 * between the track's numbering and his. Runs lie one behind the other in his numbering, so that what was
 * dropped between them leaves no gap.
 */
export class SequenceMap {
  readonly #segments: Segment[] = [];
  #next: number;

  /** `first` is the extended index that the viewer's first packet gets. */
  constructor(first: number) {
    this.#next = first;
  }

  /** First index of the open run; infinite while there is none. */
  get from(): number {
    const last = this.#segments.at(-1);
    return last === undefined || last.end !== Number.POSITIVE_INFINITY
      ? Number.POSITIVE_INFINITY
      : last.from;
  }

  /** The offset of the newest run. */
  get offset(): number {
    return this.#segments.at(-1)?.offset ?? 0;
  }

  /** Whether a late packet of `track` still belongs to the newest run. */
  holds(index: number, track: Track): boolean {
    const last = this.#segments.at(-1);
    return last?.track === track && index >= last.from && index < last.end;
  }

  /** Ends the open run in front of `index`. */
  close(index: number): void {
    const last = this.#segments.at(-1);
    if (last === undefined || last.end !== Number.POSITIVE_INFINITY) return;
    // The first was sent, else the run would not have been opened.
    last.end = Math.max(index, last.from + 1);
    this.#next = last.end + last.offset;
  }

  /** Starts a run of `track` at `index`, right behind the last one; returns its offset. */
  open(track: Track, index: number, timestampOffset: number): number {
    const offset = this.#next - index;
    const end = Number.POSITIVE_INFINITY;
    this.#segments.push({ track, from: index, end, offset, timestampOffset });
    if (this.#segments.length > MAX_SEGMENTS) this.#segments.shift();
    return offset;
  }

  /** The run that one of the viewer's indexes lies in; none when it is forgotten. */
  find(viewerIndex: number): Segment | undefined {
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i];
      if (segment === undefined) return undefined;
      const index = viewerIndex - segment.offset;
      if (index >= segment.from) return index < segment.end ? segment : undefined;
    }
    return undefined;
  }
}
