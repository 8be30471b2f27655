/** Segments kept: older ones are out of reach of NACK and reports anyway. */
const MAX_SEGMENTS = 16;

interface Segment {
  /** First index of the track that was sent. */
  from: number;
  /** One past the last, once it is closed. */
  end: number;
  /** Added to the track's index. */
  offset: number;
}

/**
 * What a viewer has been sent of a track, as runs of indexes, each with the offset between the
 * track's numbering and his. Runs lie one behind the other in his numbering, so that what was
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

  /** Whether a late packet still belongs to the newest run. */
  holds(index: number): boolean {
    const last = this.#segments.at(-1);
    return last !== undefined && index >= last.from && index < last.end;
  }

  /** Ends the open run in front of `index`. */
  close(index: number): void {
    const last = this.#segments.at(-1);
    if (last === undefined || last.end !== Number.POSITIVE_INFINITY) return;
    // The first was sent, else the run would not have been opened.
    last.end = Math.max(index, last.from + 1);
    this.#next = last.end + last.offset;
  }

  /** Starts a run at `index`, right behind the last one; returns its offset. */
  open(index: number): number {
    const offset = this.#next - index;
    this.#segments.push({ from: index, end: Number.POSITIVE_INFINITY, offset });
    if (this.#segments.length > MAX_SEGMENTS) this.#segments.shift();
    return offset;
  }

  /** The track's index for one of the viewer's, -1 when it was never sent or is forgotten. */
  toTrack(viewerIndex: number): number {
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i];
      if (segment === undefined) return -1;
      const index = viewerIndex - segment.offset;
      if (index >= segment.from) return index < segment.end ? index : -1;
    }
    return -1;
  }
}
