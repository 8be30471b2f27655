import { type Millis, NEVER, type SenderId, type SrtpEngine } from "../base/mod.ts";
import { type MediaKind, sameFormat } from "../media/mod.ts";
import { type NtpTime, unixFromNtp } from "../wire/rtcp/mod.ts";
import type { EventSink } from "./events.ts";
import type { FanOut } from "./fan_out.ts";
import { FrameBus } from "./frame_bus.ts";
import type { GivenTrack } from "./given_track.ts";
import type { StreamName } from "./name.ts";
import type { FrameOptions, HubLimits } from "./options.ts";
import { Pacing } from "./pacer.ts";
import { Publisher } from "./publisher.ts";
import type { Retransmitter } from "./retransmit.ts";
import { reportFor, WallClock } from "./sender_report.ts";
import { Shape, shapeKey } from "./shape.ts";
import { Subscriber, type SubscriberOptions } from "./subscriber.ts";
import { nextTick } from "./tick.ts";
import { type SourceTrack, Track } from "./track.ts";
import { type VideoLayer, VideoLayers } from "./video_layers.ts";
import { tellStates } from "./viewer_states.ts";
import type { ViewerTrack } from "./viewer_track.ts";

/** Packets of a batch; more are sent as several. */
const MAX_BATCH_PACKETS = 256;

/** What a stream has of its hub. */
export interface StreamContext {
  readonly engine: SrtpEngine;
  readonly fanOut: FanOut;
  readonly retransmitter: Retransmitter;
  readonly limits: HubLimits;
  readonly frames: FrameOptions;
  readonly emit: EventSink;
  /** Ms since the Unix epoch when the `now` clock was 0. */
  readonly wallClockAtZero: number;
  /** `handleTimeout` of the stream is due at `at`. */
  wake(at: Millis): void;
  /** A viewer has left. */
  left(viewer: Subscriber): void;
  /** Nobody publishes the stream or waits for it. */
  idle(stream: Stream): void;
}

/** One name, one publisher at most, any number of viewers. */
export class Stream {
  readonly name: StreamName;
  readonly audio: Track;
  readonly layers: VideoLayers;
  readonly createdAt: Millis;
  publisher: Publisher | undefined;
  /** Bytes sent to viewers who have left. */
  sentToGone = 0;
  /** Replaced, never changed in place: a viewer may leave while a batch is on its way. */
  #viewers: readonly Subscriber[] = [];
  readonly #shapes = new Map<string, Shape>();
  readonly #context: StreamContext;
  readonly #clock: WallClock;
  #tickAt: Millis = NEVER;
  readonly pacing: Pacing = new Pacing();
  /** Made when somebody wants frames. */
  #frames: FrameBus | undefined;

  constructor(name: StreamName, context: StreamContext, now: Millis) {
    this.name = name;
    this.createdAt = now;
    this.#context = context;
    this.audio = new Track("audio", context.limits);
    this.layers = new VideoLayers(context.limits);
    this.#clock = new WallClock(context.wallClockAtZero);
  }

  get viewers(): readonly Subscriber[] {
    return this.#viewers;
  }

  /** The video, and of several layers the best that is sent now: what who takes one takes. */
  get video(): Track {
    return this.layers.best();
  }

  /** Whether a publisher has sent media. */
  get live(): boolean {
    return this.publisher !== undefined && this.publisher.mediaAt >= 0;
  }

  track(kind: MediaKind): Track {
    return kind === "audio" ? this.audio : this.video;
  }

  /** Names of the layers that are sent, in the publisher's order; none without simulcast. */
  get rids(): readonly string[] {
    return this.layers.active.flatMap(({ track }) => track.source?.rid ?? []);
  }

  /** The stream as frames. */
  get frames(): FrameBus {
    this.#frames ??= new FrameBus(this, this.#context);
    return this.#frames;
  }

  /** What the publisher gives as frames of this kind. */
  given(kind: MediaKind): GivenTrack | undefined {
    return this.#frames?.given(kind);
  }

  /** Somebody who took frames has left. */
  framesLeft(): void {
    this.#sleep();
  }

  /** A keyframe of this track is needed by who takes frames. */
  wantKeyframe(track: Track, now: Millis): void {
    this.#want(this.layers.of(track), now);
  }

  /** Takes the publisher's slot, or tells that another client holds it. */
  claim(client: string, now: Millis): Publisher | "busy" {
    const holder = this.publisher;
    if (holder !== undefined) {
      if (holder.holdsAgainst(client, this.#context.limits, now)) return "busy";
      this.#context.emit({ type: "publisher-replaced", stream: this, publisher: holder });
      this.unpublish(holder);
    }
    const publisher = new Publisher(this, client, now, this.#context.emit);
    this.publisher = publisher;
    this.#clock.reset();
    return publisher;
  }

  /** The publisher is gone; viewers wait for another. */
  unpublish(publisher: Publisher): void {
    publisher.ended = true;
    if (this.publisher !== publisher) return;
    this.publisher = undefined;
    this.audio.setSource(undefined);
    this.layers.clear();
    for (const viewer of this.#viewers) {
      viewer.audio?.pause();
      viewer.video?.pause();
      // The next publisher may have no layers.
      viewer.video?.follow(this.layers.first.track);
      if (viewer.video !== undefined) viewer.video.target = undefined;
      tellStates(this, viewer, this.#context.emit);
    }
    this.#frames?.handleEnd();
    if (publisher.mediaAt >= 0) {
      this.#context.emit({ type: "unpublished", stream: this, publisher });
    }
    this.#sleep();
  }

  /** The publisher sends `source`, which `isLayer` makes a further layer of the video. */
  addSource(source: SourceTrack, isLayer: boolean): void {
    if (source.kind === "audio") this.audio.setSource(source);
    else if (isLayer) this.layers.add(source);
    else this.layers.setFirst(source);
  }

  /** Adds a packet of the publisher to the batch; `at` is the layer of the video, from 0. */
  put(
    publisher: Publisher,
    kind: MediaKind,
    at: number,
    bytes: Uint8Array,
    index: number,
    now: Millis,
  ): void {
    const layer = this.layers.active[at] ?? this.layers.first;
    const track = kind === "audio" ? this.audio : layer.track;
    // A batch holds one epoch of each track.
    if (layer.batch.part(kind).packets > 0 && track.differs(bytes)) this.flush(now);
    const before = track.format;
    const { epoch } = track;
    const packet = track.put(bytes, index, now);
    if (packet === undefined) return;
    layer.batch.add(packet);
    const full = layer.batch.packets.length >= MAX_BATCH_PACKETS;
    publisher.handleMedia(now);
    const format = track.format;
    if (format !== undefined && (before === undefined || !sameFormat(before, format))) {
      this.#context.emit({ type: "format", stream: this, kind, format });
    }
    if (kind === "video") {
      if (packet.startsKeyframe) layer.keyframes.keyframe();
      else if (epoch !== track.epoch && this.#hasViewers(layer)) this.#want(layer, now);
    }
    if (full) this.flush(now);
  }

  /** Sends the batch to the viewers. */
  flush(now: Millis): void {
    const { fanOut } = this.#context;
    let begun = false;
    let sent = false;
    for (const { batch, track } of this.layers.active) {
      if (batch.packets.length === 0) continue;
      if (fanOut.run(batch, this.audio, track, this.#viewers, now)) begun = true;
      this.#frames?.handlePackets(batch.packets, track, now);
      batch.clear();
      sent = true;
    }
    if (sent) this.#schedule(begun ? now : nextTick(now));
  }

  /** A sender report of the publisher. */
  senderReport(ssrc: number, ntp: NtpTime, rtpTime: number, now: Millis): void {
    const track = this.publisher?.trackOf(ssrc);
    if (track === undefined) return;
    const told = this.#clock.translate(unixFromNtp(ntp), now);
    if (told.stepped) {
      this.audio.clock.reset();
      for (const layer of this.layers.active) layer.track.clock.reset();
    }
    const first = track.clock.at === undefined;
    track.report(ssrc, told.ours, rtpTime);
    for (const layer of this.layers.active) this.#relate(layer, first, now);
  }

  /** Whether all a viewer of `layer` gets has a sender report. */
  #relate(layer: VideoLayer, first: boolean, now: Millis): void {
    const bySender = this.audio.reported && layer.track.reported;
    if (bySender && (first || !layer.bySender)) {
      // What was told by arrival is only roughly in step: correct it at once.
      for (const viewer of this.#viewers) {
        if (this.#layerOf(viewer) === layer) viewer.reportAt = Math.min(viewer.reportAt, now);
      }
      this.#schedule(now);
    }
    layer.bySender = bySender;
  }

  /** Adds a viewer, who gets nothing before he is started. */
  subscribe(options: SubscriberOptions): Subscriber {
    const key = shapeKey(options.audio, options.video);
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      shape = new Shape(options.audio, options.video);
      this.#shapes.set(key, shape);
    }
    shape.users++;
    const viewer = new Subscriber(this, shape, options, this.#context.limits);
    this.#viewers = [...this.#viewers, viewer];
    return viewer;
  }

  viewerStarted(viewer: Subscriber, sender: SenderId, now: Millis): void {
    this.#context.fanOut.add(sender, viewer);
    viewer.audio?.adopt();
    viewer.video?.adopt();
    if (this.layers.several) this.layers.update(now);
    this.chooseLayer(viewer, now);
    tellStates(this, viewer, this.#context.emit);
    this.wantKeyframeFor(viewer, now);
    this.#schedule(nextTick(now));
  }

  viewerLeft(viewer: Subscriber, sender: SenderId | undefined): void {
    if (sender !== undefined) this.#context.fanOut.remove(sender);
    this.#viewers = this.#viewers.filter((one) => one !== viewer);
    this.sentToGone += viewer.sentBytes;
    this.#context.left(viewer);
    viewer.shape.users--;
    if (viewer.shape.users === 0) this.#shapes.delete(viewer.shape.key);
    this.#sleep();
  }

  retransmit(
    viewer: Subscriber,
    viewed: ViewerTrack,
    wanted: readonly number[],
    now: Millis,
  ): void {
    const repairable = this.#context.retransmitter.run(viewer, viewed, wanted, now);
    if (!repairable) viewer.handleKeyframeRequest(now);
  }

  /**
   * The publisher's packets of `ssrc` are lost for good: a keyframe is asked for as soon as the last
   * request is old enough, if anybody gets that layer.
   */
  handleLost(ssrc: number, now: Millis): void {
    const layer = this.layers.active.find(({ track }) => track.ssrc === ssrc);
    if (layer !== undefined && (!this.layers.several || this.#hasViewers(layer))) {
      this.#want(layer, now);
    }
  }

  /** `viewer` needs a keyframe of the layer he gets or is to get. */
  wantKeyframeFor(viewer: Subscriber, now: Millis): void {
    this.#want(this.#layerOf(viewer), now);
  }

  /** Puts a viewer on the layer that is best for him, once a keyframe of it comes. */
  chooseLayer(viewer: Subscriber, now: Millis): void {
    const { video, gate, choice } = viewer;
    if (video === undefined || !this.layers.several) return;
    const picked = choice.pick(video, this.layers.ranked, gate, viewer.estimatedBitrate, now);
    if (picked === undefined) return;
    const { track } = picked;
    if (track === video.source) video.target = undefined;
    else if (video.state !== "playing") video.follow(track);
    else if (video.target !== track) {
      video.target = track;
      this.#want(picked, now);
    }
  }

  /** Packets wait for a viewer. */
  pace(viewer: Subscriber, now: Millis): void {
    this.pacing.add(viewer, now);
    this.#context.wake(this.pacing.due);
  }

  handleTimeout(now: Millis): void {
    this.pacing.run(now);
    this.#ask(now);
    if (this.#frames !== undefined && now >= this.#frames.nextTimeout()) {
      this.#frames.handleTimeout(now);
    }
    if (now < this.#tickAt) return;
    this.#tickAt = NEVER;
    if (this.layers.several) this.layers.update(now);
    for (const viewer of this.#viewers) this.#lookAfter(viewer, now);
    for (const layer of this.layers.active) {
      if (layer.awaited && layer.track.format !== undefined) layer.keyframes.stillWanted(now);
      layer.awaited = false;
    }
    this.#ask(now);
    if (this.live && this.#viewers.length > 0) this.#schedule(nextTick(now));
  }

  nextTimeout(): Millis {
    let due = Math.min(this.#tickAt, this.pacing.due, this.#frames?.nextTimeout() ?? NEVER);
    for (const { keyframes } of this.layers.active) due = Math.min(due, keyframes.due);
    return due;
  }

  /** One viewer's turn. */
  #lookAfter(viewer: Subscriber, now: Millis): void {
    const { sender, sink, gate, video } = viewer;
    tellStates(this, viewer, this.#context.emit);
    if (sender === undefined || sink === undefined) return;
    if (!gate.video || !gate.audio || gate.paced) viewer.look(now);
    if (!viewer.stalled && gate.isStalled(now)) {
      viewer.stalled = true;
      this.#context.emit({ type: "viewer-stalled", stream: this, subscriber: viewer });
    }
    if (now >= viewer.reportAt) {
      viewer.reportAt = now + this.#context.limits.senderReportMillis;
      this.#report(viewer, viewer.audio, now);
      this.#report(viewer, viewer.video, now);
    }
    this.chooseLayer(viewer, now);
    const waits = video?.state === "waiting" || video?.state === "behind" || video?.target;
    if (waits && gate.video && now >= gate.askAt) this.#layerOf(viewer).awaited = true;
  }

  #report(viewer: Subscriber, viewed: ViewerTrack | undefined, now: Millis): void {
    const source = viewer.video?.source;
    const { bySender } = source === undefined ? this.layers.first : this.layers.of(source);
    const report = viewed && reportFor(viewed, this.#clock, bySender, now);
    if (report !== undefined) viewer.report(report, now);
  }

  /** The layer a viewer gets, or is to get. */
  #layerOf({ video }: Subscriber): VideoLayer {
    return video === undefined ? this.layers.first : this.layers.of(video.target ?? video.source);
  }

  #hasViewers(layer: VideoLayer): boolean {
    return this.#viewers.some((viewer) => this.#layerOf(viewer) === layer);
  }

  #want({ keyframes, track }: VideoLayer, now: Millis): void {
    if (this.publisher === undefined || track.format === undefined) return;
    keyframes.want(now);
    this.#ask(now);
  }

  #ask(now: Millis): void {
    const { publisher } = this;
    for (const { keyframes, track } of this.layers.active) {
      if (publisher !== undefined && track.format !== undefined && keyframes.ask(now)) {
        const { ssrc } = track;
        this.#context.emit({ type: "keyframe-request", stream: this, publisher, ssrc });
      }
      if (keyframes.due !== NEVER) this.#context.wake(keyframes.due);
    }
  }

  #schedule(at: Millis): void {
    this.#tickAt = Math.min(this.#tickAt, at);
    this.#context.wake(this.#tickAt);
  }

  /** After somebody left. */
  #sleep(): void {
    const wanted = this.#viewers.length > 0 || this.#frames?.wanted === true;
    if (this.publisher === undefined && !wanted) this.#context.idle(this);
  }
}
