/**
 * A stream as frames, for muxers: made from its RTP packets while anybody takes them, or given by a
 * publisher who has frames.
 *
 * @module
 */
import { type Millis, NEVER } from "../base/mod.ts";
import type { MediaKind } from "../media/mod.ts";
import type { Frame, FrameFormat, FrameSink } from "./frame.ts";
import { FrameClock } from "./frame_clock.ts";
import { GivenTrack } from "./given_track.ts";
import { GopCache } from "./gop_cache.ts";
import { DEFAULT_FRAMES, type FrameOptions } from "./options.ts";
import type { StreamPacket } from "./packet.ts";
import type { Track } from "./track.ts";
import { type Arrival, TrackFrames } from "./track_frames.ts";

/** What a bus has of its stream. */
export interface FrameBusHost {
  readonly audio: Track;
  /** The video, of several layers the best. */
  readonly video: Track;
  /** A keyframe of this track is needed. */
  wantKeyframe(track: Track, now: Millis): void;
}

/** What it has of the hub. */
export interface FrameBusContext {
  /** Ms since the Unix epoch when the `now` clock was 0. */
  readonly wallClockAtZero: Millis;
  /** `handleTimeout` of the bus is due at `at`. */
  wake(at: Millis): void;
  readonly frames?: FrameOptions;
}

/** A publisher who did not answer is asked again after so long. */
const ASK_AGAIN_MILLIS: Millis = 500;

export class FrameBus {
  readonly #host: FrameBusHost;
  readonly #context: FrameBusContext;
  readonly #options: FrameOptions;
  readonly #gop: GopCache;
  readonly #formats = new Map<MediaKind, FrameFormat>();
  /** Kinds whose frames the publisher gives himself. */
  readonly #given = new Map<MediaKind, GivenTrack>();
  /** Replaced, never changed in place: a sink may leave while a frame is on its way. */
  #sinks: readonly FrameSink[] = [];
  #audio: TrackFrames | undefined;
  #audioClock: FrameClock | undefined;
  #video: TrackFrames | undefined;
  /** When the next keyframe is asked for, if none comes before. */
  #askAt: Millis = Number.NEGATIVE_INFINITY;
  #now: Millis = 0;
  /** When the last frame is decoded that anybody was given; what comes of another publisher is to be later. */
  latest: Millis = Number.NEGATIVE_INFINITY;

  constructor(host: FrameBusHost, context: FrameBusContext) {
    this.#host = host;
    this.#context = context;
    this.#options = context.frames ?? DEFAULT_FRAMES;
    this.#gop = new GopCache(this.#options.gopMaxFrames);
  }

  /** Whether anybody takes frames. */
  get wanted(): boolean {
    return this.#sinks.length > 0;
  }

  /** Gives frames to `sink` from now on, and first, if asked, those since the last keyframe. */
  add(sink: FrameSink, fromKeyframe: boolean, now: Millis): void {
    for (const format of this.#formats.values()) sink.handleFormat(format);
    if (fromKeyframe) for (const frame of this.#gop.frames) sink.handleFrame(frame);
    this.#sinks = [...this.#sinks, sink];
    if ((this.#gop.frames.length === 0 || !fromKeyframe) && this.#nextAsk() !== NEVER) {
      this.#host.wantKeyframe(this.#host.video, now);
    }
    this.#context.wake(now);
  }

  remove(sink: FrameSink): void {
    this.#sinks = this.#sinks.filter((one) => one !== sink);
    if (this.#sinks.length > 0) return;
    this.#gop.clear();
    this.#audio = undefined;
    this.#audioClock = undefined;
    this.#video = undefined;
    for (const kind of [...this.#formats.keys()]) {
      if (!this.#given.has(kind)) this.#formats.delete(kind);
    }
  }

  /** A format of a publisher who has frames: his packets of that kind are not looked at any more. */
  putFormat(format: FrameFormat): void {
    const known = this.#given.get(format.kind);
    if (known === undefined) this.#given.set(format.kind, new GivenTrack(format));
    else known.format = format;
    this.#tellFormat(format);
  }

  /** What a publisher who has frames said of that kind. */
  given(kind: MediaKind): GivenTrack | undefined {
    return this.#given.get(kind);
  }

  /** A frame of such a publisher, on the hub's wall clock. */
  putFrame(frame: Frame, now: Millis): void {
    this.#now = now;
    this.#given.get(frame.kind)?.count(frame, now);
    if (this.wanted) this.#tellFrame(frame);
  }

  /** The packets of one batch; video packets are of `track`. */
  handlePackets(packets: readonly StreamPacket[], track: Track, now: Millis): void {
    if (!this.wanted || !this.#options.ofPackets) return;
    this.#now = now;
    const arrival = this.#arrival(now);
    for (const packet of packets) {
      if (this.#given.has(packet.kind)) continue;
      if (packet.kind === "audio") this.#audioFrames().put(packet, arrival);
      else this.#videoFrames(packet, track)?.put(packet, arrival);
    }
    this.#schedule();
  }

  /** Nobody publishes any more. */
  handleEnd(): void {
    this.#gop.clear();
    this.#formats.clear();
    this.#given.clear();
    this.#audio = undefined;
    this.#audioClock = undefined;
    this.#video = undefined;
    this.#askAt = Number.NEGATIVE_INFINITY;
    for (const sink of this.#sinks) sink.handleEnd();
  }

  handleTimeout(now: Millis): void {
    if (!this.wanted) return;
    this.#now = now;
    const arrival = this.#arrival(now);
    this.#audio?.handleTimeout(arrival);
    this.#video?.handleTimeout(arrival);
    if (now >= this.#nextAsk()) {
      this.#askAt = now + ASK_AGAIN_MILLIS;
      this.#host.wantKeyframe(this.#host.video, now);
    }
    this.#schedule();
  }

  nextTimeout(): Millis {
    if (!this.wanted) return NEVER;
    return Math.min(
      this.#nextAsk(),
      this.#audio?.nextTimeout() ?? NEVER,
      this.#video?.nextTimeout() ?? NEVER,
    );
  }

  /** Nobody can ask who gives frames. */
  #nextAsk(): Millis {
    return this.#given.has("video") || !this.#options.ofPackets ? NEVER : this.#askAt;
  }

  #schedule(): void {
    this.#context.wake(this.nextTimeout());
  }

  #arrival(now: Millis): Arrival {
    const { audio, video } = this.#host;
    const bySender = audio.reported && (this.#video?.track ?? video).reported;
    return { now, wall: this.#context.wallClockAtZero + now, bySender };
  }

  #audioFrames(): TrackFrames {
    const track = this.#host.audio;
    this.#audioClock ??= new FrameClock(track);
    this.#audio ??= this.#framesOf(track, this.#audioClock);
    return this.#audio;
  }

  /** Of several layers the best one's, gone over to at a keyframe. */
  #videoFrames(packet: StreamPacket, track: Track): TrackFrames | undefined {
    if (this.#video?.track === track) return this.#video;
    if (track !== this.#host.video || !packet.startsKeyframe) return undefined;
    this.#audioClock ??= new FrameClock(this.#host.audio);
    this.#video = this.#framesOf(track, new FrameClock(track, this.#audioClock));
    return this.#video;
  }

  #framesOf(track: Track, clock: FrameClock): TrackFrames {
    return new TrackFrames({
      track,
      clock,
      onFormat: (format) => this.#tellFormat(format),
      onFrame: (frame) => this.#tellFrame(frame),
      onLost: () => this.#host.wantKeyframe(track, this.#now),
    });
  }

  #tellFormat(format: FrameFormat): void {
    const known = this.#formats.has(format.kind);
    this.#formats.set(format.kind, format);
    // Frames of another format are of no use to who joins.
    if (format.kind === "video") this.#gop.clear();
    else if (known) this.#gop.dropSound();
    for (const sink of this.#sinks) sink.handleFormat(format);
  }

  #tellFrame(frame: Frame): void {
    if (frame.kind === "video" && frame.keyframe) {
      this.#askAt = this.#now + this.#options.keyframeMillis;
    }
    if (frame.dts > this.latest) this.latest = frame.dts;
    this.#gop.put(frame);
    for (const sink of this.#sinks) sink.handleFrame(frame);
  }
}
