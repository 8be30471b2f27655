import { type Millis, NEVER, type SenderId } from "../base/mod.ts";
import type { MediaKind } from "../media/mod.ts";
import {
  blockSsrcAt,
  compactNtp,
  delaySinceLastSrAt,
  fractionLostAt,
  highestSequenceAt,
  lastSrAt,
  type SenderReport,
} from "../wire/rtcp/mod.ts";
import { extendIndex } from "../wire/rtp/mod.ts";
import { Gate } from "./gate.ts";
import { LayerChoice, type LayerWish } from "./layer_choice.ts";
import type { HubLimits } from "./options.ts";
import { Pacer } from "./pacer.ts";
import { RateMeter } from "./rate_meter.ts";
import { SentReports } from "./sent_reports.ts";
import type { Shape } from "./shape.ts";
import type { Stream } from "./stream.ts";
import { TokenBucket } from "./token_bucket.ts";
import { type ViewerState, ViewerTrack, type ViewerTrackOptions } from "./viewer_track.ts";

/** Keyframes a viewer may ask for at once; then one per `viewerKeyframeMillis`. */
const KEYFRAME_BURST = 3;

/** What a viewer negotiated. */
export interface SubscriberOptions {
  readonly audio?: ViewerTrackOptions;
  readonly video?: ViewerTrackOptions;
  /** Default `ANY_LAYER`. */
  readonly layer?: LayerWish;
}

/** Where a viewer's packets go: his session, on whatever path it has. */
export interface ViewerSink {
  /**
   * SRTP packets, each with the two length bytes of RFC 4571 in front when `framed`, else one alone;
   * `bytes` is the sink's own, unless it returns true: then it holds them no more.
   */
  deliver(bytes: Uint8Array, packets: number): boolean;
  /** Whether his path is a stream of bytes; may change between two batches. */
  readonly framed: boolean;
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
  /** Which layer of the video he is to get. */
  readonly choice: LayerChoice = new LayerChoice();
  readonly shape: Shape;
  /** Sent bytes per second, SRTP and framing included. */
  readonly byteRate: RateMeter = new RateMeter();
  sentBytes = 0;
  closed = false;
  /** When the next sender report is due. */
  reportAt: Millis = NEVER;
  stalled = false;
  /** Bytes that may be retransmitted. */
  readonly repairs: TokenBucket;
  /** Keyframes that he may ask for: they cost the publisher and all other viewers. */
  readonly #wishes: TokenBucket;
  #sender: SenderId | undefined;
  #sink: ViewerSink | undefined;
  #suspended = false;
  readonly #reports = new SentReports();
  /** As his last report told it, in ms; `undefined` before. */
  roundTrip: Millis | undefined;
  /** Extended transport-wide sequence number, -1 before the first. */
  transport = -1;
  readonly #pacer = new Pacer();
  /** What may wait here, in bytes. */
  readonly #maxHeldBytes: number;
  /** Whether all his packets have transport-wide numbers. */
  readonly #numbered: boolean;

  constructor(stream: Stream, shape: Shape, options: SubscriberOptions, limits: HubLimits) {
    this.stream = stream;
    this.shape = shape;
    this.audio = options.audio && new ViewerTrack("audio", options.audio, stream.audio);
    this.video =
      options.video && new ViewerTrack("video", options.video, stream.layers.first.track);
    if (options.layer !== undefined) this.choice.ask(options.layer);
    this.gate = new Gate(limits);
    this.#maxHeldBytes = limits.maxQueuedBytes * 2;
    this.#numbered = shape.allTransport;
    const perSecond = limits.retransmitBytesPerSecond;
    this.repairs = new TokenBucket(perSecond / 2, perSecond / 1000);
    this.#wishes = new TokenBucket(KEYFRAME_BURST, 1 / limits.viewerKeyframeMillis);
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
    this.#stopPacing();
    this.audio?.pause();
    this.video?.pause();
  }

  /** There is a path again, or another one: what the old one took says nothing any more. */
  resume(now: Millis): void {
    this.#stopPacing();
    this.gate.restart(now);
    this.stalled = false;
    if (!this.#suspended) return;
    this.#suspended = false;
    this.stream.wantKeyframeFor(this, now);
  }

  /** The viewer leaves. The engine's sender stays the owner's to remove. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#stopPacing();
    this.stream.viewerLeft(this, this.#sender);
  }

  /** The viewer asks for a keyframe (PLI, FIR). */
  handleKeyframeRequest(now: Millis): void {
    if (!this.closed && this.#wishes.take(now)) this.stream.wantKeyframeFor(this, now);
  }

  /** He asks for another layer of the video. */
  chooseLayer(wish: LayerWish, now: Millis): void {
    this.choice.ask(wish);
    if (!this.closed) this.stream.chooseLayer(this, now);
  }

  /** Generic NACK for one of our SSRCs; 16-bit sequence numbers as the viewer sees them. */
  handleNack(ssrc: number, sequenceNumbers: readonly number[], now: Millis): void {
    const track = this.trackOf(ssrc);
    if (track !== undefined && this.sender !== undefined) {
      this.stream.retransmit(this, track, sequenceNumbers, now);
    }
  }

  /** A report block (RFC 3550 §6.4.1) about one of our SSRCs, at `at` in `bytes`. */
  handleReportBlock(bytes: Uint8Array, at: number, now: Millis): void {
    const track = this.trackOf(blockSsrcAt(bytes, at));
    if (track === undefined) return;
    this.gate.log.handleHighest(track.kind, highestSequenceAt(bytes, at), now);
    const roundTrip = this.#reports.roundTrip(
      lastSrAt(bytes, at),
      delaySinceLastSrAt(bytes, at),
      now,
    );
    if (roundTrip !== undefined) this.roundTrip = roundTrip;
    if (track.kind === "audio" && this.video !== undefined) return; // video is what fills a path
    const lost = fractionLostAt(bytes, at) / 256;
    const sent = this.byteRate.perSecond(now, 2) * 8;
    this.gate.bandwidth.handleReport(lost, roundTrip, sent, now);
  }

  /** Transport-wide feedback, its body (from the sender's SSRC on) in `bytes[at..end)`. */
  handleTransportFeedback(bytes: Uint8Array, at: number, end: number, now: Millis): void {
    const highest = this.gate.bandwidth.handleFeedback(bytes, at, end, now);
    if (highest >= 0) this.gate.log.handleTransport(highest, now);
  }

  /** REMB: what he asks not to go over, in bits per second. */
  handleRemb(bitrate: number): void {
    this.gate.bandwidth.handleRemb(bitrate);
  }

  /**
   * What his path takes in bits per second, SRTP and retransmissions included, by his feedback over
   * UDP as over TCP; infinite while nothing says that it takes less than he is sent. It grows again
   * by itself, so who sends more by it should wait longer after each try that failed.
   */
  get estimatedBitrate(): number {
    return this.gate.bandwidth.estimatedBitrate;
  }

  /** Packets lost on his path lately, 0 to 1; retransmissions count as packets. */
  get lossFraction(): number {
    return this.gate.bandwidth.lossFraction;
  }

  /** Tells the sink to send a report. */
  report(report: SenderReport, now: Millis): void {
    this.#reports.sent(compactNtp(report.ntp), now);
    this.#sink?.report(report);
  }

  /** Looks at how he fares: before a batch, and from time to time. */
  look(now: Millis): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    const { gate } = this;
    const bitrate = gate.bandwidth.pathBitrate;
    gate.datagrams = !sink.framed;
    if (gate.paced) gate.waiting = (this.#pacer.bytes * 8000) / bitrate;
    gate.update(sink.queuedBytes + this.#pacer.bytes, now);
    const narrow = gate.datagrams && this.#numbered && bitrate !== Number.POSITIVE_INFINITY;
    if (narrow && !gate.paced) {
      gate.paced = true;
      this.#pacer.start(this.transport, now);
    } else if (!narrow && gate.paced && this.#pacer.bytes === 0) {
      this.#stopPacing();
    }
  }

  /** Hands over one sealed packet that is new, at once or when his path takes it. */
  datagram(bytes: Uint8Array, now: Millis): void {
    if (!this.gate.paced) {
      this.#sink?.deliver(bytes, 1);
    } else {
      this.#pacer.hold(bytes, this.#maxHeldBytes);
      if (this.release(now)) this.stream.pace(this, now);
    }
  }

  /** Lets packets go that waited; whether others still wait. */
  release(now: Millis): boolean {
    const { bandwidth } = this.gate;
    this.#pacer.release(bandwidth.pathBitrate, now, this.#send);
    bandwidth.busy = this.#pacer.bytes > 0;
    return bandwidth.busy;
  }

  readonly #send = (packet: Uint8Array, number: number, now: Millis): void => {
    this.gate.bandwidth.sent(number, 1, packet.length, now);
    this.#sink?.deliver(packet, 1);
  };

  #stopPacing(): void {
    this.gate.paced = false;
    this.gate.waiting = 0;
    this.gate.bandwidth.busy = false;
    this.#pacer.clear();
    this.stream.pacing.delete(this);
  }

  /**
   * Counts what was sealed for him. `nextTransport` is the transport-wide sequence number (16 bits)
   * behind the last one used, -1 when his packets carry none.
   */
  sent(bytes: number, packets: number, nextTransport: number, now: Millis): void {
    if (nextTransport >= 0) this.transport = this.#extend((nextTransport - 1) & 0xffff);
    const audio = this.audio?.highestSent ?? -1;
    const video = this.video?.highestSent ?? -1;
    this.gate.sent(bytes, packets, this.transport, audio, video, now);
    this.sentBytes += bytes;
    this.byteRate.add(bytes, now);
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
