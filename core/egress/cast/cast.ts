/**
 * One stream for many viewers: frames are gathered to batches, each of them made bytes once for all who
 * take it the same way, and kept since the last keyframe and for those who are behind.
 *
 * ```
 *   first          start (last keyframe)          newest
 *   | batch | batch | batch | batch | batch | batch |  <- gathered until flush
 *       ^ a slow viewer      ^ who joins begins here
 * ```
 *
 * @module
 */
import type { Millis } from "../../base/mod.ts";
import type { Frame, FrameFormat, FrameSink } from "../../stream/mod.ts";
import type { CastMade, CastMuxer, Framing } from "./muxer.ts";

/** A track that has not come so long after the other is not waited for. */
export const TRACK_WAIT_MILLIS: Millis = 2000;
/** Bytes kept for those who join or are behind, at most. */
export const KEPT_MAX_BYTES: number = 32 * 1024 * 1024;
/** No track is waited for any more when so much has come. */
export const WAIT_MAX_BYTES: number = KEPT_MAX_BYTES / 4;
/** A batch is ended at so many bytes. */
const BATCH_MAX_BYTES: number = 256 * 1024;

export interface CastOptions {
  /** A viewer who is further behind loses frames, up to the last keyframe. */
  readonly lagMillis: Millis;
  /** Whether who joins begins with the last keyframe (default), or waits for the next. */
  readonly gopCache?: boolean;
  /** There is something to flush. */
  readonly onPending: () => void;
}

/** A viewer's place. */
export interface CastViewer<Made> {
  readonly framing: Framing<Made>;
  /** Number of the batch he gets next; -1 before he has begun. */
  next: number;
  /** Of the first batch he may begin with. */
  readonly notBefore: number;
  /** `dts` of the keyframe he began with, or went on with: sound that is older is not for him. */
  from: Millis;
  /** Of the formats he was told. */
  version: number;
  /** Whether frames were dropped in front of what he gets next. */
  skipped: boolean;
  droppedFrames: number;
}

/** What is sent together, made bytes once for all who take it the same way. */
class Shared<Made extends CastMade<Made>> {
  readonly made: readonly Made[];
  readonly #late: readonly Millis[];
  readonly #bytes = new Map<Framing<Made>, Uint8Array>();
  #since: Shared<Made> | undefined;
  #sinceFrom: Millis = 0;

  constructor(made: readonly Made[]) {
    this.made = made;
    this.#late = made.flatMap(({ late }) => (late === undefined ? [] : [late]));
  }

  /** Without sound that is older than the keyframe at `from`. */
  since(from: Millis): Shared<Made> {
    if (!this.#late.some((at) => at < from)) return this;
    // All who began between two keyframes share it.
    if (this.#since !== undefined && this.#sinceFrom === from) return this.#since;
    const fresh = this.made.flatMap((one) =>
      one.late === undefined || one.late >= from ? [one] : (one.instead ?? []),
    );
    this.#sinceFrom = from;
    this.#since = new Shared(fresh);
    return this.#since;
  }

  as(framing: Framing<Made>): Uint8Array {
    let bytes = this.#bytes.get(framing);
    if (bytes === undefined) {
      bytes = framing(this.made);
      this.#bytes.set(framing, bytes);
    }
    return bytes;
  }
}

class Batch<Piece, Made extends CastMade<Made>> {
  /** Until it is sealed. */
  pieces: Piece[] = [];
  sealed: Shared<Made> = new Shared<Made>([]);
  bytes = 0;
  frames = 0;
  /** When it was flushed. */
  at: Millis = 0;
}

export class Cast<Piece, Made extends CastMade<Made>> implements FrameSink {
  readonly #options: CastOptions;
  readonly #muxer: CastMuxer<Piece, Made>;
  readonly #batches: Batch<Piece, Made>[] = [];
  /** Numbers: of the first batch that is kept, and of the first that is not flushed. */
  #first = 0;
  #flushedTo = 0;
  /** Of the first batch that has nothing of an earlier publisher. */
  #ownFrom = 0;
  /** All of the last flush, when that was several batches: one write for who has all before it. */
  #lately: Shared<Made> | undefined;
  #latelyFrom = 0;
  #keptBytes = 0;
  /** Number of the batch that who joins begins with, -1 when there is none. */
  #start = -1;
  /** `dts` of the newest keyframe. */
  #keyframeAt: Millis = Number.NEGATIVE_INFINITY;
  /** Counts the changes of the formats. */
  #version = 0;
  /** Whether no track is waited for any more, and until when one is; `undefined` without any. */
  #settled = false;
  #settleAt: Millis | undefined;
  /** When a picture was flushed, or the first of a track could be. */
  #pictureAt: Millis = Number.NEGATIVE_INFINITY;
  #awaitsPicture = false;
  #sawPicture = false;

  constructor(muxer: CastMuxer<Piece, Made>, options: CastOptions) {
    this.#muxer = muxer;
    this.#options = options;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** A viewer who has got nothing yet. */
  join(framing: Framing<Made>): CastViewer<Made> {
    const notBefore = this.#options.gopCache === false ? this.#end : 0;
    return {
      ...{ framing, next: -1, notBefore, from: Number.NEGATIVE_INFINITY },
      ...{ version: -1, skipped: false, droppedFrames: 0 },
    };
  }

  // -- from the stream --

  handleFormat(format: FrameFormat): void {
    const known = this.#muxer.has(format.kind);
    const pieces = this.#muxer.setFormat(format);
    this.#version++;
    // What was sent in another format is of no use to who joins.
    if (known || format.kind === "video") this.#start = -1;
    if (!known && format.kind === "video" && this.#muxer.has("video")) this.#awaitsPicture = true;
    for (const piece of pieces) this.#add(piece);
    this.#options.onPending();
  }

  handleFrame(frame: Frame): void {
    const late = frame.kind === "audio" && frame.dts < this.#keyframeAt;
    const piece = this.#muxer.frame(frame, late);
    if (piece === undefined) return;
    if (frame.kind === "video") {
      this.#sawPicture = true;
      if (frame.keyframe) this.#begin(frame.dts);
    }
    this.#add(piece).frames++;
    this.#options.onPending();
  }

  handleEnd(): void {
    this.#muxer.clearFormats();
    this.#settled = false;
    this.#settleAt = undefined;
    this.#awaitsPicture = false;
    this.#start = -1;
    this.#ownFrom = this.#end;
  }

  // -- from the server --

  /** Ends what was gathered, unless a track is waited for: viewers may poll it. */
  flush(now: Millis): void {
    this.#settle(now);
    // What comes before is all of one publisher.
    const end = this.#settled ? this.#end : Math.max(this.#ownFrom, this.#flushedTo);
    if (end < this.#end) this.#options.onPending();
    const awaits = this.#awaitsPicture && this.#settled;
    if (this.#sawPicture || awaits) this.#pictureAt = now;
    this.#sawPicture = false;
    if (awaits) this.#awaitsPicture = false;
    for (let number = this.#flushedTo; number < end; number++) {
      const batch = this.#batches[number - this.#first];
      if (batch === undefined) continue;
      this.#seal(batch);
      batch.at = now;
      // Without pictures, sound can be joined anywhere; those of a new track are waited for as the track was.
      if (batch.frames > 0 && now - this.#pictureAt > TRACK_WAIT_MILLIS) this.#start = number;
    }
    this.#join(this.#flushedTo, end);
    this.#flushedTo = end;
  }

  /**
   * What the viewer is to be sent next; `undefined` until there is more. A viewer who is too far behind
   * goes on with the last keyframe.
   */
  poll(viewer: CastViewer<Made>, now: Millis): Uint8Array | undefined {
    const start = this.#start < this.#flushedTo ? this.#start : -1;
    if (viewer.next < 0) {
      if (start < 0 || start < viewer.notBefore) return undefined;
      viewer.next = start;
      viewer.from = this.#keyframeAt;
      const bytes = this.#introduce(viewer, true);
      if (bytes !== undefined) return bytes;
    }
    if (viewer.next >= this.#flushedTo) return undefined;
    const batch = this.#batches[viewer.next - this.#first];
    if (batch === undefined || (now - batch.at > this.#options.lagMillis && start > viewer.next)) {
      if (start < viewer.next) return undefined; // dropped for its size: waits for a keyframe
      this.#skip(viewer, start);
      return this.poll(viewer, now);
    }
    if (viewer.skipped) {
      viewer.skipped = false;
      const bytes = this.#introduce(viewer, false);
      if (bytes !== undefined) return bytes;
    }
    let shared = batch.sealed;
    if (this.#lately !== undefined && viewer.next === this.#latelyFrom) {
      viewer.next = this.#flushedTo;
      shared = this.#lately;
    } else viewer.next++;
    const fresh = shared.since(viewer.from);
    // Of nothing at all some framings would make the stream's end.
    return fresh.made.length > 0 ? fresh.as(viewer.framing) : this.poll(viewer, now);
  }

  /** Forgets what neither the slowest viewer nor one who joins needs. */
  trim(viewers: Iterable<CastViewer<Made>>, now: Millis): void {
    const start = this.#start < this.#flushedTo ? this.#start : -1;
    let needed = start < 0 ? this.#flushedTo : start;
    for (const viewer of viewers) {
      if (viewer.next < 0 || viewer.next >= needed) continue;
      const at = this.#batches[viewer.next - this.#first]?.at ?? now;
      // Who takes nothing does not poll, either.
      if (now - at > this.#options.lagMillis && start > viewer.next) this.#skip(viewer, start);
      else needed = viewer.next;
    }
    while (this.#first < needed && this.#drop());
    while (this.#keptBytes > KEPT_MAX_BYTES && this.#first < this.#flushedTo && this.#drop());
    if (this.#start < this.#first) this.#start = -1;
  }

  // -- inside --

  /** Number of the batch that comes next. */
  get #end(): number {
    return this.#first + this.#batches.length;
  }

  /** Looks whether all tracks are there that are waited for. */
  #settle(now: Millis): void {
    const { tracks } = this.#muxer;
    if (this.#settled || tracks === 0) return;
    this.#settleAt ??= now + TRACK_WAIT_MILLIS;
    if (tracks < 2 && now < this.#settleAt && this.#keptBytes < WAIT_MAX_BYTES) return;
    this.#settled = true;
    this.#muxer.settle();
  }

  #seal(batch: Batch<Piece, Made>): void {
    const made = this.#muxer.seal(batch.pieces);
    batch.sealed = new Shared(made);
    batch.pieces = [];
    const bytes = made.reduce((sum, one) => sum + this.#muxer.sizeOf(one), 0);
    this.#keptBytes += bytes - batch.bytes;
    batch.bytes = bytes;
  }

  #join(from: number, to: number): void {
    const batches = this.#batches.slice(from - this.#first, to - this.#first);
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0);
    this.#latelyFrom = from;
    this.#lately = undefined;
    if (batches.length < 2 || bytes > BATCH_MAX_BYTES) return;
    this.#lately = new Shared(batches.flatMap(({ sealed }) => sealed.made));
  }

  #introduce(viewer: CastViewer<Made>, anew: boolean): Uint8Array | undefined {
    const told = viewer.version === this.#version;
    viewer.version = this.#version;
    const next = this.#batches[viewer.next - this.#first]?.sealed.made ?? [];
    const introduction = this.#muxer.introduction({ anew, told, next });
    return introduction && viewer.framing(introduction.made, introduction.header);
  }

  #skip(viewer: CastViewer<Made>, to: number): void {
    for (let number = viewer.next; number < to; number++) {
      viewer.droppedFrames += this.#batches[number - this.#first]?.frames ?? 0;
    }
    viewer.next = to;
    viewer.from = this.#keyframeAt;
    viewer.skipped = true;
  }

  #add(piece: Piece): Batch<Piece, Made> {
    let batch = this.#batches.at(-1);
    const ended = this.#end === Math.max(this.#flushedTo, this.#ownFrom);
    if (batch === undefined || ended || batch.bytes > BATCH_MAX_BYTES) batch = this.#begun();
    const bytes = this.#muxer.sizeOf(piece);
    batch.pieces.push(piece);
    batch.bytes += bytes;
    this.#keptBytes += bytes;
    return batch;
  }

  /** A keyframe begins a batch, and is where who joins begins. */
  #begin(at: Millis): void {
    this.#begun();
    this.#keyframeAt = at;
    this.#start = this.#end - 1;
  }

  #begun(): Batch<Piece, Made> {
    const batch = new Batch<Piece, Made>();
    this.#batches.push(batch);
    return batch;
  }

  #drop(): boolean {
    const batch = this.#batches.shift();
    if (batch === undefined) return false;
    this.#keptBytes -= batch.bytes;
    this.#first++;
    return true;
  }
}
