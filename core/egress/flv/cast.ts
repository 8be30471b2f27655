/**
 * One stream for many viewers: tags are gathered to batches, each of them made bytes once for all who
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
import { encodeFlvHeader, type Framing } from "./framing.ts";
import { FlvMuxer, type FlvMuxerOptions, type FlvTag } from "./muxer.ts";

/** A track that has not come so long after the other is not waited for. */
export const TRACK_WAIT_MILLIS: Millis = 2000;
/** Bytes kept for those who join or are behind, at most. */
export const KEPT_MAX_BYTES: number = 32 * 1024 * 1024;
/** A batch is ended at so many bytes. */
const BATCH_MAX_BYTES: number = 256 * 1024;
/** What a tag costs in memory besides its body, about: there are publishers who send single bytes. */
export const TAG_COST_BYTES = 128;

export interface FlvCastOptions extends FlvMuxerOptions {
  /** A viewer who is further behind loses frames, up to the last keyframe. */
  readonly lagMillis: Millis;
  /** Whether who joins begins with the last keyframe (default), or waits for the next. */
  readonly gopCache?: boolean;
  /** There is something to flush. */
  readonly onPending: () => void;
}

/** A viewer's place. */
export interface FlvViewer {
  readonly framing: Framing;
  /** Number of the batch he gets next; -1 before he has begun. */
  next: number;
  /** Of the first batch he may begin with. */
  readonly notBefore: number;
  /** Time of the keyframe he began with, or went on with: sound that is older is not for him. */
  from: number;
  /** Of the headers he has got. */
  version: number;
  /** Whether frames were dropped in front of what he gets next. */
  skipped: boolean;
  droppedFrames: number;
}

/** Tags as bytes, made once for all who take them the same way. */
class Made {
  readonly tags: FlvTag[] = [];
  /** Those of sound that is older than the keyframe before it: transcoded, it comes a little later. */
  readonly late: FlvTag[] = [];
  readonly #made = new Map<Framing, Uint8Array>();
  #since: Made | undefined;
  #sinceFrom = 0;

  /** Without sound that is older than the keyframe at `from`; as it is, where there is none. */
  since(from: number): Made {
    const old = new Set(this.late.filter(({ timestamp }) => isBefore(timestamp, from)));
    if (old.size === 0) return this;
    // All who came between two keyframes share it.
    if (this.#since !== undefined && this.#sinceFrom === from) return this.#since;
    const fresh = new Made();
    for (const tag of this.tags) if (!old.has(tag)) fresh.tags.push(tag);
    this.#since = fresh;
    this.#sinceFrom = from;
    return fresh;
  }

  as(framing: Framing): Uint8Array {
    let made = this.#made.get(framing);
    if (made === undefined) {
      made = framing(this.tags, NO_HEADER);
      this.#made.set(framing, made);
    }
    return made;
  }
}

class Batch extends Made {
  bytes = 0;
  frames = 0;
  /** When it was flushed. */
  at: Millis = 0;

  add(tag: FlvTag): void {
    this.tags.push(tag);
    this.bytes += tag.body.length + TAG_COST_BYTES;
  }
}

const NO_HEADER = new Uint8Array(0);

/** Of timestamps of 32 bits, which wrap. */
function isBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export class FlvCast implements FrameSink {
  readonly #options: FlvCastOptions;
  readonly #muxer: FlvMuxer;
  readonly #batches: Batch[] = [];
  /** Numbers: of the first batch that is kept, and of the first that is not flushed. */
  #first = 0;
  #flushedTo = 0;
  /** All of the last flush, when that was several batches: one write for who has all before it. */
  #lately: Made | undefined;
  #latelyFrom = 0;
  #keptBytes = 0;
  /** Number of the batch that who joins begins with, -1 when there is none. */
  #start = -1;
  /** Time of the newest keyframe. */
  #keyframeAt = 0;
  #sawKeyframe = false;
  /** Counts the changes of the headers. */
  #version = 0;
  /** Until when a second track is waited for; `undefined` without any track. */
  #settleAt: Millis | undefined;
  /** When a picture was flushed. */
  #pictureAt: Millis = Number.NEGATIVE_INFINITY;
  #sawPicture = false;

  constructor(options: FlvCastOptions) {
    this.#options = options;
    this.#muxer = new FlvMuxer(options);
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** A viewer who has got nothing yet. */
  join(framing: Framing): FlvViewer {
    const notBefore = this.#options.gopCache === false ? this.#first + this.#batches.length : 0;
    return { framing, next: -1, notBefore, from: 0, version: -1, skipped: false, droppedFrames: 0 };
  }

  // -- from the stream --

  handleFormat(format: FrameFormat): void {
    const known = this.#muxer.format(format.kind);
    this.#muxer.setFormat(format);
    this.#version++;
    // What was sent in another format is of no use to who joins.
    if (known !== undefined || format.kind === "video") this.#start = -1;
    // The other track's configuration holds; to tell it again makes some decoders (FFmpeg's of VP9) begin anew.
    for (const tag of this.#muxer.headers(undefined, format.kind)) this.#add(tag);
    this.#options.onPending();
  }

  handleFrame(frame: Frame): void {
    const tag = this.#muxer.frame(frame);
    if (tag === undefined) return;
    if (frame.kind === "video") {
      this.#sawPicture = true;
      if (frame.keyframe) this.#begin(tag.timestamp);
    }
    const batch = this.#add(tag);
    batch.frames++;
    const late = this.#sawKeyframe && isBefore(tag.timestamp, this.#keyframeAt);
    if (frame.kind === "audio" && late) batch.late.push(tag);
    this.#options.onPending();
  }

  handleEnd(): void {
    this.#muxer.clearFormats();
    this.#settleAt = undefined;
    this.#start = -1;
  }

  // -- from the server --

  /** Ends what was gathered: viewers may poll it. */
  flush(now: Millis): void {
    if (this.#sawPicture) this.#pictureAt = now;
    this.#sawPicture = false;
    if (this.#muxer.tracks > 0) this.#settleAt ??= now + TRACK_WAIT_MILLIS;
    const end = this.#first + this.#batches.length;
    for (let number = this.#flushedTo; number < end; number++) {
      const batch = this.#batches[number - this.#first];
      if (batch === undefined) continue;
      batch.at = now;
      // Without pictures, sound can be joined anywhere.
      if (batch.frames > 0 && now - this.#pictureAt > TRACK_WAIT_MILLIS) this.#start = number;
    }
    this.#join(this.#flushedTo, end);
    this.#flushedTo = end;
  }

  /**
   * What the viewer is to be sent next; `undefined` until there is more. A viewer who is too far behind
   * goes on with the last keyframe.
   */
  poll(viewer: FlvViewer, now: Millis): Uint8Array | undefined {
    const start = this.#start < this.#flushedTo ? this.#start : -1;
    if (viewer.next < 0) {
      if (start < 0 || start < viewer.notBefore || !this.#settled(now)) return undefined;
      viewer.next = start;
      viewer.from = this.#keyframeAt;
      return this.#introduce(viewer, true);
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
      if (viewer.version !== this.#version) return this.#introduce(viewer, false);
    }
    let made: Made = batch;
    if (this.#lately !== undefined && viewer.next === this.#latelyFrom) {
      viewer.next = this.#flushedTo;
      made = this.#lately;
    } else viewer.next++;
    const fresh = made.since(viewer.from);
    // To no tags at all some framings would say that the stream ends.
    return fresh.tags.length > 0 ? fresh.as(viewer.framing) : this.poll(viewer, now);
  }

  /** Forgets what neither the slowest viewer nor one who joins needs. */
  trim(viewers: Iterable<FlvViewer>, now: Millis): void {
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

  #join(from: number, to: number): void {
    const batches = this.#batches.slice(from - this.#first, to - this.#first);
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0);
    this.#latelyFrom = from;
    this.#lately = batches.length > 1 && bytes <= BATCH_MAX_BYTES ? new Made() : undefined;
    for (const { tags, late } of batches) {
      this.#lately?.tags.push(...tags);
      this.#lately?.late.push(...late);
    }
  }

  /** Whether all tracks are there that are waited for. */
  #settled(now: Millis): boolean {
    return this.#muxer.tracks === 2 || (this.#settleAt !== undefined && now >= this.#settleAt);
  }

  #introduce(viewer: FlvViewer, anew: boolean): Uint8Array {
    viewer.version = this.#version;
    const video = this.#muxer.format("video") !== undefined;
    const audio = this.#muxer.format("audio") !== undefined;
    const from = this.#batches[viewer.next - this.#first]?.tags[0]?.timestamp;
    const headers = this.#muxer.headers(from);
    return viewer.framing(headers, anew ? encodeFlvHeader(video, audio) : NO_HEADER);
  }

  #skip(viewer: FlvViewer, to: number): void {
    for (let number = viewer.next; number < to; number++) {
      viewer.droppedFrames += this.#batches[number - this.#first]?.frames ?? 0;
    }
    viewer.next = to;
    viewer.from = this.#keyframeAt;
    viewer.skipped = true;
  }

  #add(tag: FlvTag): Batch {
    let batch = this.#batches.at(-1);
    const flushed = this.#first + this.#batches.length === this.#flushedTo;
    if (batch === undefined || flushed || batch.bytes > BATCH_MAX_BYTES) batch = this.#begun();
    batch.add(tag);
    this.#keptBytes += tag.body.length + TAG_COST_BYTES;
    return batch;
  }

  /** A keyframe begins a batch, and is where who joins begins. */
  #begin(at: number): void {
    this.#begun();
    this.#keyframeAt = at;
    this.#sawKeyframe = true;
    this.#start = this.#first + this.#batches.length - 1;
  }

  #begun(): Batch {
    const batch = new Batch();
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
