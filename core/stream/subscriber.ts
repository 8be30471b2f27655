import { type Millis, NEVER, type SenderId } from "../base/mod.ts";
import type { MediaKind } from "../media/mod.ts";
import type { SenderReport } from "../wire/rtcp/mod.ts";
import { extendIndex } from "../wire/rtp/mod.ts";
import { Gate } from "./gate.ts";
import type { HubLimits } from "./options.ts";
import { RateMeter } from "./rate_meter.ts";
import type { Shape } from "./shape.ts";
import type { Stream } from "./stream.ts";
import { type ViewerState, ViewerTrack, type ViewerTrackOptions } from "./viewer_track.ts";

/** What a viewer negotiated. */
export interface SubscriberOptions {
  readonly audio?: ViewerTrackOptions;
  readonly video?: ViewerTrackOptions;
}

/** Where a viewer's packets go: his session, on whatever path it has. */
export interface ViewerSink {
  /**
   * SRTP packets, each with the two length bytes of RFC 4571 in front; `bytes` is the sink's own.
   */
  deliver(bytes: Uint8Array, packets: number): void;
  /** A sender report is due. */
  report(report: SenderReport): void;
  /** Bytes our process holds for this viewer: what the kernel has not taken. */
  readonly queuedBytes: number;
}

/** One viewer of a stream over WebRTC. Made by `Hub.subscribe`. */
export class Subscriber {
  readonly stream: Stream;
  readonly audio: ViewerTrack | undefined;
  readonly video: ViewerTrack | undefined;
  readonly gate: Gate;
  readonly shape: Shape;
  /** Sent bytes per second, SRTP and framing included. */
  readonly byteRate: RateMeter = new RateMeter();
  sentBytes = 0;
  closed = false;
  /** When the next sender report is due. */
  reportAt: Millis = NEVER;
  stalled = false;
  /** Bytes that may be retransmitted now, and when that was counted. */
  retransmitBudget = 0;
  retransmitAt: Millis = 0;
  #sender: SenderId | undefined;
  #sink: ViewerSink | undefined;
  #suspended = false;
  /** Extended transport-wide sequence number, -1 before the first. */
  transport = -1;

  constructor(stream: Stream, shape: Shape, options: SubscriberOptions, limits: HubLimits) {
    this.stream = stream;
    this.shape = shape;
    this.audio = options.audio && new ViewerTrack("audio", options.audio);
    this.video = options.video && new ViewerTrack("video", options.video);
    this.gate = new Gate(limits);
    this.retransmitBudget = limits.retransmitBytesPerSecond / 2;
  }

  /**
   * DTLS is done: `sender` is the viewer's context in the hub's engine. Media flows from now on.
   */
  start(sender: SenderId, sink: ViewerSink, now: Millis): void {
    if (this.closed || this.#sender !== undefined) return;
    this.#sender = sender;
    this.#sink = sink;
    this.stream.viewerStarted(this, sender, now);
  }

  /** The last path is gone: nothing is sent until `resume`. */
  suspend(): void {
    this.#suspended = true;
    this.audio?.pause();
    this.video?.pause();
  }

  /** There is a path again, or another one: what the old one took says nothing any more. */
  resume(now: Millis): void {
    this.gate.restart(now);
    this.stalled = false;
    if (!this.#suspended) return;
    this.#suspended = false;
    this.stream.wantKeyframe(now);
  }

  /** The viewer leaves. The engine's sender stays the owner's to remove. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.stream.viewerLeft(this, this.#sender);
  }

  /** The viewer asks for a keyframe (PLI, FIR). */
  handleKeyframeRequest(now: Millis): void {
    if (!this.closed) this.stream.wantKeyframe(now);
  }

  /** Generic NACK for one of our SSRCs; 16-bit sequence numbers as the viewer sees them. */
  handleNack(ssrc: number, sequenceNumbers: readonly number[], now: Millis): void {
    const track = this.trackOf(ssrc);
    if (track !== undefined && this.sender !== undefined) {
      this.stream.retransmit(this, track, sequenceNumbers, now);
    }
  }

  /** A report block about one of our SSRCs; `highest` is the extended highest sequence number. */
  handleReceiverReport(ssrc: number, highest: number, now: Millis): void {
    const track = this.trackOf(ssrc);
    if (track !== undefined) this.gate.log.handleHighest(track.kind, highest, now);
  }

  /** Transport-wide feedback; the highest 16-bit sequence number that it reports as received. */
  handleTransportFeedback(highest: number, now: Millis): void {
    this.gate.log.handleTransport(highest, now);
  }

  /**
   * Hands over what was sealed for this viewer. `nextTransport` is the transport-wide sequence
   * number (16 bits) behind the last one used, -1 when his packets carry none.
   */
  delivered(bytes: Uint8Array, packets: number, nextTransport: number, now: Millis): void {
    if (nextTransport >= 0) this.transport = this.#extend((nextTransport - 1) & 0xffff);
    const audio = this.audio?.highestSent ?? -1;
    const video = this.video?.highestSent ?? -1;
    this.gate.log.sent(bytes.length, packets, this.transport, audio, video, now);
    this.sentBytes += bytes.length;
    this.byteRate.add(bytes.length, now);
    this.#sink?.deliver(bytes, packets);
  }

  /** The engine's context, while there is a path to send on. */
  get sender(): SenderId | undefined {
    return this.#suspended || this.closed ? undefined : this.#sender;
  }

  get sink(): ViewerSink | undefined {
    return this.#sink;
  }

  track(kind: MediaKind): ViewerTrack | undefined {
    return kind === "audio" ? this.audio : this.video;
  }

  /** The track that sends with `ssrc`. */
  trackOf(ssrc: number): ViewerTrack | undefined {
    if (this.audio?.options.ssrc === ssrc) return this.audio;
    return this.video?.options.ssrc === ssrc ? this.video : undefined;
  }

  /** State of the viewer's track, `undefined` when he did not ask for that kind. */
  state(kind: MediaKind): ViewerState | undefined {
    return this.track(kind)?.state;
  }

  /** How far behind the viewer is, in ms. */
  behind(now: Millis): Millis {
    return this.gate.behind(now);
  }

  #extend(transport: number): number {
    // One cycle up, so that what lies before the first is not negative.
    return this.transport < 0 ? transport + 0x1_0000 : extendIndex(this.transport, transport);
  }
}
