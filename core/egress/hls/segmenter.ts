import type { Millis } from "../../base/mod.ts";
import type { MediaKind } from "../../media/mod.ts";
import type { Frame, FrameFormat, FrameSink } from "../../stream/mod.ts";
import { Lane, type Mp4Run, type Mp4Track } from "../mp4/mod.ts";
import { silenceOf } from "./silence.ts";

export interface SegmenterOptions {
  /** Segments end at the first keyframe that makes them so long. */
  readonly segmentMillis: Millis;
  /** They end there at the latest, keyframe or not. */
  readonly maxSegmentMillis: Millis;
  /** What EXT-X-PART-INF tells; without an end, segments are one part. */
  readonly partMillis: Millis;
  /** Whether segments can hold a format; others are left out. */
  readonly fits: (format: FrameFormat) => boolean;
}

/** A piece of a segment. */
export interface MediaPart {
  readonly duration: Millis;
  /** Whether decoding can begin with it. */
  readonly independent: boolean;
  readonly runs: readonly Mp4Run[];
}

/** Where segments begin. */
export interface SegmentStart {
  /** When its first frame is shown, on the clock of frames. */
  readonly date: Millis;
  /** Other tracks than before: another init segment, and nothing need fit to what came before. */
  readonly tracks: readonly Mp4Track[] | undefined;
}

/** Takes what a segmenter makes, in order. */
export interface SegmenterSink {
  handleSegmentStart(start: SegmentStart): void;
  handlePart(part: MediaPart): void;
  handleSegmentEnd(): void;
}

/** A track that has not come after so long is not waited for; it is added when it does. */
export const TRACK_WAIT_MILLIS: Millis = 2000;
/** Frames that are kept while another track is waited for. */
export const HELD_MAX_FRAMES = 1000;
/**
 * Bytes of one segment, or of what is held: a publisher whose times stand still would never end it. What is
 * larger ends there, and the next begins with a keyframe.
 */
export const SEGMENT_MAX_BYTES: number = 32 * 1024 * 1024;
/** What a frame costs in memory besides its own bytes, about. */
const FRAME_COST_BYTES = 128;
/** Keyframes that come a little early count: publishers are asked for them by time. */
const EARLY_MILLIS: Millis = 100;
/** Of the longest distance of keyframes, what counts of it at the next one. */
const DISTANCE_DECAY = 0.98;
/** The next one may be so much further away: encoders and paths are not punctual. */
const DISTANCE_MARGIN = 1.1;
/** A part that another follows in its segment has at least this share of the target (RFC 8216bis §4.4.3.7). */
const PART_SHARE = 0.85;
/** Pictures may be so late behind sound before parts are cut without them. */
const LATE_MILLIS: Millis = 250;
/** The same in all init segments: ffmpeg 5.1 goes by the first one's, and would take sound for pictures. */
const TRACK_IDS: Readonly<Record<MediaKind, number>> = { video: 1, audio: 2 };
/** Nothing for so long is a break in the stream. */
const BREAK_MILLIS: Millis = 5000;

/**
 * Cuts a stream's frames into segments and parts. Pictures lead: segments begin with their keyframes.
 * Sound leads where there are none, or none any more.
 */
export class Segmenter implements FrameSink {
  readonly #options: SegmenterOptions;
  readonly #sink: SegmenterSink;
  readonly #formats = new Map<MediaKind, FrameFormat>();
  readonly #lanes = new Map<MediaKind, Lane>();
  /** The one that decides where is cut. */
  #leader: Lane | undefined;
  /** When the newest frame of each kind is decoded. */
  readonly #seen = new Map<MediaKind, Millis>();
  #held: Frame[] = [];
  /** Of the open segment, or of what is held. */
  #bytes = 0;
  #origin: Millis | undefined;
  /** Whether a segment is open. */
  #open = false;
  /** Whether it begins with a keyframe; one that does not ends at the next. */
  #atKeyframe = true;
  /** Whether silence stands for sound that has ceased. */
  #silent = false;
  #segmentStart: Millis = 0;
  #partStart: Millis = 0;
  /** When the newest keyframe is decoded, and how far apart two were at most of late. */
  #keyframeAt: Millis | undefined;
  #keyframeDistance: Millis = 0;

  constructor(options: SegmenterOptions, sink: SegmenterSink) {
    this.#options = options;
    this.#sink = sink;
  }

  handleFormat(format: FrameFormat): void {
    if (this.#options.fits(format)) this.#formats.set(format.kind, format);
    else this.#formats.delete(format.kind);
  }

  handleFrame(frame: Frame): void {
    if (!this.#formats.has(frame.kind)) return;
    this.#seen.set(frame.kind, frame.dts);
    if (this.#open) {
      this.#take(frame);
      return;
    }
    // Nothing can be shown before a keyframe.
    const shown = frame.keyframe || this.#held.some(({ kind }) => kind === "video");
    if (frame.kind === "video" && !shown) return;
    this.#held.push(frame);
    this.#bytes += frame.data.length + FRAME_COST_BYTES;
    if (this.#ready(frame)) this.#begin();
  }

  handleEnd(): void {
    this.#finish();
    this.#lanes.clear();
    this.#formats.clear();
    this.#seen.clear();
    this.#held = [];
    this.#bytes = 0;
  }

  /** Whether there is no more to wait for before the first segment begins. */
  #ready(frame: Frame): boolean {
    const first = this.#held[0] ?? frame;
    const kinds = new Set(this.#held.map(({ kind }) => kind));
    if (kinds.size === 2) return true;
    const long = frame.dts - first.dts >= TRACK_WAIT_MILLIS;
    return long || this.#held.length >= HELD_MAX_FRAMES || this.#bytes > SEGMENT_MAX_BYTES;
  }

  #begin(): void {
    const held = this.#held;
    this.#held = [];
    this.#bytes = 0;
    const video = held.findIndex(({ kind, keyframe }) => kind === "video" && keyframe);
    const hasVideo = video >= 0;
    const first = held[hasVideo ? video : 0];
    if (first === undefined) return;
    const kinds = new Set(held.map(({ kind }) => kind));
    if (!hasVideo) kinds.delete("video");
    // Sound that is announced and late has its track from the beginning.
    const sound = this.#formats.get("audio");
    const late = hasVideo && !kinds.has("audio") && sound !== undefined;
    if (late && silenceOf(sound) !== undefined) kinds.add("audio");
    if (kinds.size === 0) return;
    this.#startTracks(first.dts, kinds);
    this.#silent = late;
    for (const frame of held) if (this.#open && frame.dts >= first.dts) this.#take(frame);
  }

  /** Begins a segment with new tracks: an earlier one must be ended. */
  #startTracks(at: Millis, kinds: ReadonlySet<MediaKind>): void {
    // Time goes on over another publisher, unless it went back.
    if (this.#origin === undefined || at < this.#origin) this.#origin = at;
    this.#lanes.clear();
    this.#leader = undefined;
    this.#keyframeAt = undefined;
    for (const kind of ["video", "audio"] as const) {
      const format = kinds.has(kind) ? this.#formats.get(kind) : undefined;
      if (format === undefined) continue;
      const lane = new Lane(TRACK_IDS[kind], format, this.#origin, at);
      this.#leader ??= lane;
      this.#lanes.set(kind, lane);
    }
    this.#startSegment(at, true);
  }

  #startSegment(at: Millis, newTracks: boolean): void {
    this.#open = true;
    this.#bytes = 0;
    this.#atKeyframe = true;
    this.#segmentStart = at;
    this.#partStart = at;
    const tracks = newTracks ? [...this.#lanes.values()].map(({ track }) => track) : undefined;
    this.#sink.handleSegmentStart({ date: at, tracks });
  }

  #take(frame: Frame): void {
    const { kind, dts } = frame;
    const lane = this.#lanes.get(kind);
    const video = this.#lanes.get("video");
    this.#fill(frame);
    const leads = kind === "video" ? frame.keyframe : video === undefined;
    if (leads && (this.#changed(frame) || this.#brokenAt(dts, lane))) this.#restart(frame);
    // Sound that has no track yet gets one at the next keyframe.
    else if (lane === undefined || lane.format !== this.#formats.get(kind)) return;
    else if (lane === this.#leader) this.#lead(frame, lane);
    else if (video !== undefined) this.#follow(dts, video);
    this.#put(frame);
    this.#bytes += frame.data.length + FRAME_COST_BYTES;
    if (this.#bytes <= SEGMENT_MAX_BYTES) return;
    this.#finish();
    this.#bytes = 0;
  }

  #put(frame: Frame): void {
    const lane = this.#lanes.get(frame.kind);
    // Silence may stand there already.
    if (frame.kind === "audio" && lane !== undefined && frame.dts < lane.last) return;
    lane?.put(frame);
  }

  /**
   * Puts silence in the place of sound that has ceased, a little behind the pictures, until it comes again:
   * browsers stall where a track has a gap, and take no other tracks than they began with.
   */
  #fill({ kind, dts }: Frame): void {
    const lane = this.#lanes.get("audio");
    if (lane === undefined || lane === this.#leader) return;
    const long = kind === "video" && dts - lane.last > TRACK_WAIT_MILLIS;
    const silence = this.#silent || long ? silenceOf(lane.format) : undefined;
    this.#silent = silence !== undefined && kind === "video";
    if (silence === undefined) return;
    const { data, duration } = silence;
    const until = kind === "video" ? dts - LATE_MILLIS : dts - duration / 2;
    for (let at = lane.last + duration; at <= until; at += duration)
      lane.put({ kind: "audio", dts: at, pts: at, keyframe: true, data });
  }

  /** Whether the tracks are not those that come. */
  #changed(frame: Frame): boolean {
    const wanted = this.#wanted(frame);
    if (wanted.size !== this.#lanes.size) return true;
    for (const kind of wanted) {
      if (this.#lanes.get(kind)?.format !== this.#formats.get(kind)) return true;
    }
    return false;
  }

  /** What has come of late; pictures only from a keyframe on. */
  #wanted({ kind, dts }: Frame): ReadonlySet<MediaKind> {
    const kinds = new Set<MediaKind>([kind]);
    const sound = this.#seen.get("audio") ?? Number.NEGATIVE_INFINITY;
    const format = this.#formats.get("audio");
    if (format !== undefined && (dts - sound <= TRACK_WAIT_MILLIS || this.#canBeSilent(format)))
      kinds.add("audio");
    return kinds;
  }

  /** Whether there is a track of this format, and silence for it. */
  #canBeSilent(format: FrameFormat): boolean {
    return this.#lanes.get("audio")?.format === format && silenceOf(format) !== undefined;
  }

  #brokenAt(dts: Millis, lane: Lane | undefined): boolean {
    return lane !== undefined && Math.abs(dts - lane.last) > BREAK_MILLIS;
  }

  /** New tracks from this frame on. */
  #restart(frame: Frame): void {
    this.#finish();
    this.#startTracks(frame.dts, this.#wanted(frame));
  }

  /** Ends the segment with everything there is. */
  #finish(): void {
    for (const lane of this.#lanes.values()) lane.finish();
    let end = this.#partStart;
    for (const { last, interval } of this.#lanes.values()) end = Math.max(end, last + interval);
    this.#endSegment(end, Number.POSITIVE_INFINITY);
  }

  /** A frame of the track that decides where is cut. */
  #lead(frame: Frame, lane: Lane): void {
    const { segmentMillis, maxSegmentMillis, partMillis } = this.#options;
    const { dts } = frame;
    lane.finish(dts);
    const segment = dts - this.#segmentStart;
    const early = frame.kind === "video" ? EARLY_MILLIS : 0;
    const last = frame.kind === "video" && frame.keyframe && this.#isLast(dts);
    const least = this.#atKeyframe && !last ? segmentMillis - early : 0;
    const next = Math.max(0, dts - lane.last);
    if ((frame.keyframe && segment >= least) || segment + next > maxSegmentMillis) {
      this.#nextSegment(dts, frame.keyframe);
      return;
    }
    const part = dts - this.#partStart;
    if (part >= partMillis * PART_SHARE || part + next > partMillis) this.#endPart(dts);
  }

  /**
   * Whether the keyframe after this one would come too late for the segment, which then could not end with
   * one: their distance is the encoder's, and viewers who join ask for others in between.
   */
  #isLast(dts: Millis): boolean {
    const { segmentMillis, maxSegmentMillis } = this.#options;
    const distance = dts - (this.#keyframeAt ?? dts);
    this.#keyframeAt = dts;
    this.#keyframeDistance = Math.max(distance, this.#keyframeDistance * DISTANCE_DECAY);
    const segment = dts - this.#segmentStart;
    const next = segment + this.#keyframeDistance * DISTANCE_MARGIN;
    return segment >= segmentMillis / 2 && next > maxSegmentMillis;
  }

  /** Sound beside pictures, which may have ceased to come. */
  #follow(dts: Millis, video: Lane): void {
    const late = dts - video.last;
    if (late > TRACK_WAIT_MILLIS) {
      this.#finish();
      this.#startTracks(dts, new Set<MediaKind>(["audio"]));
      return;
    }
    if (late <= LATE_MILLIS) return;
    const { partMillis, maxSegmentMillis } = this.#options;
    const room = maxSegmentMillis - (dts - this.#segmentStart);
    if (partMillis === Number.POSITIVE_INFINITY) {
      if (room < LATE_MILLIS) this.#nextSegment(dts, false);
    } else if (dts - this.#partStart >= partMillis * PART_SHARE) {
      if (room < partMillis) this.#nextSegment(dts, false);
      else this.#endPart(dts);
    }
  }

  #nextSegment(at: Millis, atKeyframe: boolean): void {
    this.#endSegment(at);
    this.#startSegment(at, false);
    this.#atKeyframe = atKeyframe;
  }

  #endSegment(at: Millis, until: Millis = at): void {
    if (!this.#open) return;
    this.#endPart(at, until);
    this.#open = false;
    this.#sink.handleSegmentEnd();
  }

  /** Ends a part at `at`, with the samples before `until`; none without samples. */
  #endPart(at: Millis, until: Millis = at): void {
    const runs: Mp4Run[] = [];
    for (const lane of this.#lanes.values()) {
      // Nothing follows soon that would tell how long the newest one lasts.
      if (lane !== this.#leader && at - lane.last > LATE_MILLIS) lane.finish();
      const run = lane.take(until);
      if (run !== undefined) runs.push(run);
    }
    const [first] = runs;
    if (first === undefined) return;
    const duration = Math.max(1, at - this.#partStart);
    this.#partStart += duration;
    const independent = first.track === this.#leader?.track && first.samples[0]?.keyframe === true;
    this.#sink.handlePart({ duration, independent, runs });
  }
}
