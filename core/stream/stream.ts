import { type Millis, NEVER, type SenderId, type SrtpEngine } from "../base/mod.ts";
import { type MediaKind, sameFormat } from "../media/mod.ts";
import { type NtpTime, unixFromNtp } from "../wire/rtcp/mod.ts";
import { Batch } from "./batch.ts";
import type { EventSink } from "./events.ts";
import type { FanOut } from "./fan_out.ts";
import { KeyframeRequests } from "./keyframe_requests.ts";
import type { StreamName } from "./name.ts";
import type { HubLimits } from "./options.ts";
import { Publisher } from "./publisher.ts";
import type { Retransmitter } from "./retransmit.ts";
import { reportFor, WallClock } from "./sender_report.ts";
import { Shape, shapeKey } from "./shape.ts";
import { Subscriber, type SubscriberOptions } from "./subscriber.ts";
import { Track } from "./track.ts";
import type { ViewerTrack } from "./viewer_track.ts";

/** Streams look after reports, waiting viewers and stalled ones so often, all at the same times. */
const TICK_MILLIS = 100;

/** Packets of a batch; more are sent as several. */
const MAX_BATCH_PACKETS = 256;

/** What a stream has of its hub. */
export interface StreamContext {
  readonly engine: SrtpEngine;
  readonly fanOut: FanOut;
  readonly retransmitter: Retransmitter;
  readonly limits: HubLimits;
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
  readonly video: Track;
  readonly createdAt: Millis;
  publisher: Publisher | undefined;
  /** Bytes sent to viewers who have left. */
  sentToGone = 0;
  /** Replaced, never changed in place: a viewer may leave while a batch is on its way. */
  #viewers: readonly Subscriber[] = [];
  readonly #shapes = new Map<string, Shape>();
  readonly #batch = new Batch();
  readonly #context: StreamContext;
  readonly #keyframes: KeyframeRequests;
  readonly #clock: WallClock;
  /** Whether reports go by the publisher's clock. */
  #bySender = false;
  #tickAt: Millis = NEVER;

  constructor(name: StreamName, context: StreamContext, now: Millis) {
    this.name = name;
    this.createdAt = now;
    this.#context = context;
    this.audio = new Track("audio", context.limits);
    this.video = new Track("video", context.limits);
    this.#keyframes = new KeyframeRequests(context.limits);
    this.#clock = new WallClock(context.wallClockAtZero);
  }

  get viewers(): readonly Subscriber[] {
    return this.#viewers;
  }

  /** Whether a publisher has sent media. */
  get live(): boolean {
    return this.publisher !== undefined && this.publisher.mediaAt >= 0;
  }

  track(kind: MediaKind): Track {
    return kind === "audio" ? this.audio : this.video;
  }

  /** Takes the publisher's slot, or tells that another client holds it. */
  claim(client: string, now: Millis): Publisher | "busy" {
    const holder = this.publisher;
    if (holder !== undefined) {
      if (this.#isHeld(holder, client, now)) return "busy";
      this.#context.emit({ type: "publisher-replaced", stream: this, publisher: holder });
      this.unpublish(holder);
    }
    const publisher = new Publisher(this, client, now);
    this.publisher = publisher;
    this.#clock.reset();
    return publisher;
  }

  /** The publisher is gone; viewers wait for another. */
  unpublish(publisher: Publisher): void {
    publisher.ended = true;
    if (this.publisher !== publisher) return;
    this.#batch.clear();
    this.publisher = undefined;
    this.audio.setSource(undefined);
    this.video.setSource(undefined);
    this.#bySender = false;
    for (const viewer of this.#viewers) {
      viewer.audio?.pause();
      viewer.video?.pause();
      this.#tell(viewer);
    }
    if (publisher.mediaAt >= 0) {
      this.#context.emit({ type: "unpublished", stream: this, publisher });
    }
    this.#sleep();
  }

  /** Adds a packet of the publisher to the batch. */
  put(publisher: Publisher, kind: MediaKind, bytes: Uint8Array, index: number, now: Millis): void {
    const track = this.track(kind);
    // A batch holds one epoch of each track.
    if (this.#batch.part(kind).packets > 0 && track.differs(bytes)) this.flush(now);
    const before = track.format;
    const { epoch } = track;
    const packet = track.put(bytes, index, now);
    if (packet === undefined) return;
    this.#batch.add(packet);
    const full = this.#batch.packets.length >= MAX_BATCH_PACKETS;
    const first = publisher.mediaAt < 0;
    publisher.mediaAt = now;
    if (first) this.#context.emit({ type: "published", stream: this, publisher });
    const format = track.format;
    if (format !== undefined && (before === undefined || !sameFormat(before, format))) {
      this.#context.emit({ type: "format", stream: this, kind, format });
    }
    if (kind === "video") {
      if (packet.startsKeyframe) this.#keyframes.keyframe();
      else if (epoch !== track.epoch) this.#wantForAll(now);
    }
    if (full) this.flush(now);
  }

  /** Sends the batch to the viewers. */
  flush(now: Millis): void {
    if (this.#batch.packets.length === 0) return;
    const { fanOut } = this.#context;
    const begun = fanOut.run(this.#batch, this.audio, this.video, this.#viewers, now);
    this.#batch.clear();
    this.#schedule(begun ? now : nextTick(now));
  }

  /** A sender report of the publisher. */
  senderReport(ssrc: number, ntp: NtpTime, rtpTime: number, now: Millis): void {
    const track = this.publisher?.trackOf(ssrc);
    if (track === undefined) return;
    const told = this.#clock.translate(unixFromNtp(ntp), now);
    if (told.stepped) {
      this.audio.clock.reset();
      this.video.clock.reset();
    }
    track.report(ssrc, told.ours, rtpTime);
    const bySender = isReported(this.audio) && isReported(this.video);
    if (bySender && !this.#bySender) {
      // What was told by arrival is only roughly in step: correct it at once.
      for (const viewer of this.#viewers) viewer.reportAt = Math.min(viewer.reportAt, now);
      this.#schedule(now);
    }
    this.#bySender = bySender;
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
    viewer.audio?.adopt(this.audio);
    viewer.video?.adopt(this.video);
    this.#tell(viewer);
    this.wantKeyframe(now);
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
    this.#context.retransmitter.run(viewer, viewed, this.track(viewed.kind), wanted, now);
  }

  /** Somebody needs a keyframe; asked for as soon as the last request is old enough. */
  wantKeyframe(now: Millis): void {
    if (this.publisher === undefined || this.video.format === undefined) return;
    this.#keyframes.want(now);
    this.#ask(now);
  }

  handleTimeout(now: Millis): void {
    this.#ask(now);
    if (now < this.#tickAt) return;
    this.#tickAt = NEVER;
    let waits = false;
    for (const viewer of this.#viewers) if (this.#lookAfter(viewer, now)) waits = true;
    if (waits && this.video.format !== undefined) {
      this.#keyframes.stillWanted(now);
      this.#ask(now);
    }
    if (this.live && this.#viewers.length > 0) this.#schedule(nextTick(now));
  }

  nextTimeout(): Millis {
    return Math.min(this.#tickAt, this.#keyframes.due);
  }

  /** One viewer's turn; tells whether he waits for a keyframe that may be asked for. */
  #lookAfter(viewer: Subscriber, now: Millis): boolean {
    const { sender, sink, gate, video } = viewer;
    this.#tell(viewer);
    if (sender === undefined || sink === undefined) return false;
    if (!gate.video || !gate.audio) gate.update(sink.queuedBytes, now);
    if (!viewer.stalled && gate.isStalled(now)) {
      viewer.stalled = true;
      this.#context.emit({ type: "viewer-stalled", stream: this, subscriber: viewer });
    }
    if (now >= viewer.reportAt) {
      viewer.reportAt = now + this.#context.limits.senderReportMillis;
      this.#report(viewer, viewer.audio, this.audio, now);
      this.#report(viewer, viewer.video, this.video, now);
    }
    const waits = video?.state === "waiting" || video?.state === "behind";
    return waits && gate.video && now >= gate.askAt;
  }

  #report(viewer: Subscriber, viewed: ViewerTrack | undefined, track: Track, now: Millis): void {
    const report = viewed && reportFor(viewed, track, this.#clock, this.#bySender, now);
    if (report !== undefined) viewer.report(report, now);
  }

  /** Tells the owner about states that changed. */
  #tell(viewer: Subscriber): void {
    this.#tellOf(viewer, viewer.audio);
    this.#tellOf(viewer, viewer.video);
  }

  #tellOf(subscriber: Subscriber, viewed: ViewerTrack | undefined): void {
    if (viewed === undefined || viewed.state === viewed.told) return;
    viewed.told = viewed.state;
    const { kind, state } = viewed;
    const live = this.track(kind).format;
    this.#context.emit({ type: "viewer-state", stream: this, subscriber, kind, state, live });
  }

  /**
   * Media that comes holds a stream against everybody. Who reloads his page has closed his
   * connections by that, and gets it back at once; another client has to wait.
   */
  #isHeld(holder: Publisher, client: string, now: Millis): boolean {
    const { busyMediaMillis, busyClaimMillis } = this.#context.limits;
    const sends = holder.mediaAt >= 0 && now - holder.mediaAt < busyMediaMillis;
    if (holder.client === client) return sends && holder.connected;
    return sends || now - holder.claimedAt < busyClaimMillis;
  }

  #wantForAll(now: Millis): void {
    if (this.#viewers.length > 0) this.wantKeyframe(now);
  }

  #ask(now: Millis): void {
    const { publisher, video } = this;
    if (publisher !== undefined && video.format !== undefined && this.#keyframes.ask(now)) {
      const { ssrc } = video;
      this.#context.emit({ type: "keyframe-request", stream: this, publisher, ssrc });
    }
    if (this.#keyframes.due !== NEVER) this.#context.wake(this.#keyframes.due);
  }

  #schedule(at: Millis): void {
    this.#tickAt = Math.min(this.#tickAt, at);
    this.#context.wake(this.#tickAt);
  }

  /** After somebody left. */
  #sleep(): void {
    if (this.publisher === undefined) this.#keyframes.keyframe();
    if (this.publisher === undefined && this.#viewers.length === 0) this.#context.idle(this);
  }
}

function nextTick(now: Millis): Millis {
  return (Math.floor(now / TICK_MILLIS) + 1) * TICK_MILLIS;
}

function isReported(track: Track): boolean {
  return track.format === undefined || track.clock.at !== undefined;
}
