import type { Millis } from "../../base/mod.ts";

export interface PartEntry {
  readonly duration: Millis;
  readonly independent: boolean;
  /** Whether the rendition of sound alone has it, which has a gap otherwise. */
  readonly sound: boolean;
}

export interface SegmentEntry {
  /** Media sequence number. */
  readonly number: number;
  /** Which init segment it needs. */
  readonly map: number;
  readonly discontinuity: boolean;
  /** When it begins, in ms since the Unix epoch. */
  readonly date: Millis;
  readonly parts: readonly PartEntry[];
  readonly duration: Millis;
  readonly complete: boolean;
}

interface OpenSegment extends SegmentEntry {
  readonly parts: PartEntry[];
  duration: Millis;
  complete: boolean;
}

export interface WindowOptions {
  /** How much of the stream the playlist tells. */
  readonly windowMillis: Millis;
  /** What is kept beyond, for players with an older playlist. */
  readonly graceMillis: Millis;
  /** Media sequence number of the first segment; default 0. */
  readonly firstNumber?: number;
}

/** Which segments there are: those a playlist tells, and some before them that can still be got. */
export class SegmentWindow {
  readonly #options: WindowOptions;
  readonly #segments: OpenSegment[] = [];
  /** Index of the first that the playlist tells. */
  #first = 0;
  #next = 0;
  #map = -1;
  /** Whether a segment with new tracks ended before it had anything. */
  #owed = false;
  #discontinuitySequence = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.#next = options.firstNumber ?? 0;
  }

  /** What the playlist tells, the oldest first; the last one may be open. */
  get listed(): readonly SegmentEntry[] {
    return this.#segments.slice(this.#first);
  }

  /** EXT-X-DISCONTINUITY-SEQUENCE: how many there were before the first that is listed. */
  get discontinuitySequence(): number {
    return this.#discontinuitySequence;
  }

  /** The number of the open segment, or of the next. */
  get current(): number {
    return this.#last?.complete === false ? this.#last.number : this.#next;
  }

  /** How many parts the open segment has. */
  get currentParts(): number {
    return this.#last?.complete === false ? this.#last.parts.length : 0;
  }

  get completeSegments(): number {
    return this.#segments.length - this.#first - (this.#last?.complete === false ? 1 : 0);
  }

  get #last(): OpenSegment | undefined {
    return this.#segments.at(-1);
  }

  /**
   * Begins a segment; `newTracks` when it needs another init segment. It does not follow from the one
   * before then, nor when `after` says that something is missing.
   */
  start(date: Millis, newTracks: boolean, after: "one" | "loss" = "one"): SegmentEntry {
    if (newTracks) this.#map++;
    const segment: OpenSegment = {
      number: this.#next++,
      map: this.#map,
      discontinuity: this.#owed || after === "loss" || (newTracks && this.#map > 0),
      date,
      parts: [],
      duration: 0,
      complete: false,
    };
    this.#owed = false;
    this.#segments.push(segment);
    return segment;
  }

  addPart(part: PartEntry): void {
    const open = this.#last;
    if (open === undefined) return;
    open.parts.push(part);
    open.duration += part.duration;
  }

  /** Ends the open segment, and tells which are not kept any more; without parts it never was. */
  end(): readonly SegmentEntry[] {
    const open = this.#last;
    if (open === undefined) return [];
    open.complete = true;
    if (open.parts.length === 0) {
      this.#owed = open.discontinuity;
      this.#segments.pop();
      this.#next--;
      return [];
    }
    return this.#slide();
  }

  /** Forgets the oldest one that is kept, whatever it is. */
  drop(): SegmentEntry | undefined {
    if (this.#segments.length < 2) return undefined;
    if (this.#first === 0) this.#unlist();
    return this.#removeFirst();
  }

  #slide(): readonly SegmentEntry[] {
    const { windowMillis, graceMillis } = this.#options;
    let length = 0;
    for (const { duration } of this.#segments.slice(this.#first)) length += duration;
    // What stays must be long enough without it (RFC 8216bis §6.2.2).
    for (
      let one = this.#segments[this.#first];
      one !== undefined;
      one = this.#segments[this.#first]
    ) {
      if (length - one.duration < windowMillis) break;
      length -= one.duration;
      this.#unlist();
    }
    const removed: SegmentEntry[] = [];
    let before = 0;
    for (const { duration } of this.#segments.slice(0, this.#first)) before += duration;
    while (this.#first > 0 && before - (this.#segments[0]?.duration ?? 0) >= graceMillis) {
      const one = this.#removeFirst();
      if (one === undefined) break;
      before -= one.duration;
      removed.push(one);
    }
    return removed;
  }

  #unlist(): void {
    if (this.#segments[this.#first]?.discontinuity) this.#discontinuitySequence++;
    this.#first++;
  }

  #removeFirst(): SegmentEntry | undefined {
    this.#first--;
    return this.#segments.shift();
  }
}
