import type { Millis } from "../base/mod.ts";
import type { NtpTime } from "../wire/rtcp/mod.ts";
import type { EventSink } from "./events.ts";
import type { Frame, FrameFormat } from "./frame.ts";
import type { HubLimits } from "./options.ts";
import type { Stream } from "./stream.ts";
import type { SourceTrack, Track } from "./track.ts";
import { MAX_LAYERS } from "./video_layers.ts";

/** Warnings of one publisher, and the characters of each; more are passed over. */
export const MAX_WARNINGS = 16;
export const MAX_WARNING_CHARACTERS = 400;

/** Sender reports of SSRCs that have sent nothing yet; of more the oldest is forgotten. */
export const MAX_EARLY_REPORTS = 8;

interface EarlyReport {
  readonly ssrc: number;
  readonly ntp: NtpTime;
  readonly rtpTime: number;
  readonly at: Millis;
}

/** One packet of a publisher. */
export interface SourcePacket {
  /** As given to `addTrack`. */
  readonly track: SourceTrack;
  /** Plaintext RTP; the hub's own from now on. */
  readonly bytes: Uint8Array;
  /** Extended index at the receiver (rollover counter * 2^16 + sequence number). */
  readonly index: number;
}

/** One publishing session. Made by `Hub.publish`. */
export class Publisher {
  readonly stream: Stream;
  /** Who it is: a client that comes again takes over from itself. */
  readonly client: string;
  readonly claimedAt: Millis;
  /** How it comes in, for people: `whip`, `rtmp`, `pull`, `demo`; kept by its owner. */
  way = "";
  /** Gives way to anybody until its media comes; set by an owner who does not know if any will. */
  provisional = false;
  /** When media last came, -1 for never. */
  mediaAt: Millis = -1;
  /** Whether there is a path to it; kept by its owner. */
  connected = true;
  /** Whether it ended or was replaced: nothing of it is taken any more. */
  ended = false;
  /** Packets of tracks beyond the first of each kind. */
  ignoredPackets = 0;
  receivedBytes = 0;
  audio: SourceTrack | undefined;
  video: SourceTrack | undefined;
  /** `video` and its further layers. */
  readonly layers: SourceTrack[] = [];
  readonly #warnings: string[] = [];
  #early: readonly EarlyReport[] = [];

  readonly #emit: EventSink;

  constructor(stream: Stream, client: string, now: Millis, emit: EventSink) {
    this.stream = stream;
    this.#emit = emit;
    this.client = client;
    this.claimedAt = now;
  }

  /** What is wrong with what it sends, in words that name what to change; for API and pages. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Notes a warning; the same words count once. False when they were noted before, or are too many. */
  warn(words: string): boolean {
    const noted = words.slice(0, MAX_WARNING_CHARACTERS);
    if (this.#warnings.length >= MAX_WARNINGS || this.#warnings.includes(noted)) return false;
    this.#warnings.push(noted);
    return true;
  }

  /**
   * Adds an m-line. The first of each kind is the stream's; false for further ones, which are
   * ignored, unless they are layers of the video: those with a `rid` behind a first one with a
   * `rid`, up to `MAX_LAYERS`.
   */
  addTrack(track: SourceTrack): boolean {
    if (this.ended) return false;
    const first = this[track.kind];
    if (first !== undefined && !this.#isLayer(first, track)) return false;
    if (first === undefined) this[track.kind] = track;
    if (track.kind === "video") this.layers.push(track);
    this.stream.addSource(track, first !== undefined);
    return true;
  }

  /** Packets that came together go to the viewers together. */
  pushBatch(packets: readonly SourcePacket[], now: Millis): void {
    for (const packet of packets) this.put(packet.track, packet.bytes, packet.index, now);
    this.flush(now);
  }

  /** Adds a packet to the batch that `flush` sends. `bytes` is the hub's own from now on. */
  put(track: SourceTrack, bytes: Uint8Array, index: number, now: Millis): void {
    if (this.ended) return;
    this.receivedBytes += bytes.length;
    const layer = track === this.audio ? 0 : this.layers.indexOf(track);
    if (layer < 0) {
      this.ignoredPackets++;
      return;
    }
    this.stream.put(this, track.kind, layer, bytes, index, now);
  }

  /** Sends the batch. */
  flush(now: Millis): void {
    if (this.ended) return;
    if (this.#early.length > 0) this.#tellEarly();
    this.stream.flush(now);
  }

  /** Something came, which makes the stream live. */
  handleMedia(now: Millis): void {
    const first = this.mediaAt < 0;
    this.mediaAt = now;
    if (first) this.#emit({ type: "published", stream: this.stream, publisher: this });
  }

  /** What his frames of that kind are; packets of the kind are for WebRTC viewers alone from then on. */
  putFormat(format: FrameFormat): void {
    if (!this.ended) this.stream.frames.putFormat(format);
  }

  /** A frame for muxers, on the hub's wall clock. */
  putFrame(frame: Frame, now: Millis): void {
    if (this.ended) return;
    this.handleMedia(now);
    this.stream.frames.putFrame(frame, now);
  }

  /**
   * The publisher's RTCP SR for one of its SSRCs. Some come before the first packet, as ffmpeg's, whose next is
   * 5 s later: they wait for it.
   */
  handleSenderReport(ssrc: number, ntp: NtpTime, rtpTime: number, now: Millis): void {
    if (this.ended) return;
    if (this.trackOf(ssrc) !== undefined) {
      this.stream.senderReport(ssrc, ntp, rtpTime, now);
      return;
    }
    const others = this.#early.filter((one) => one.ssrc !== ssrc);
    this.#early = [...others, { ssrc, ntp, rtpTime, at: now }].slice(-MAX_EARLY_REPORTS);
  }

  /** The session is over; viewers wait for the next one. */
  end(): void {
    if (!this.ended) this.stream.unpublish(this);
  }

  /**
   * Media that comes holds a stream against everybody. Who reloads his page has closed his
   * connections by that, and gets it back at once; another client has to wait.
   */
  holdsAgainst(client: string, limits: HubLimits, now: Millis): boolean {
    const { busyMediaMillis, busyClaimMillis } = limits;
    const sends = this.mediaAt >= 0 && now - this.mediaAt < busyMediaMillis;
    if (this.client === client) return sends && this.connected;
    if (this.provisional && this.mediaAt < 0) return false;
    return sends || now - this.claimedAt < busyClaimMillis;
  }

  /** The stream's track that this publisher's `ssrc` feeds. */
  trackOf(ssrc: number): Track | undefined {
    const { audio, layers } = this.stream;
    if (audio.ssrc === ssrc && this.audio !== undefined) return audio;
    if (this.video === undefined) return undefined;
    return layers.active.find(({ track }) => track.ssrc === ssrc)?.track;
  }

  #tellEarly(): void {
    const waiting = this.#early;
    this.#early = waiting.filter(({ ssrc }) => this.trackOf(ssrc) === undefined);
    for (const report of waiting) {
      if (this.#early.includes(report)) continue;
      this.stream.senderReport(report.ssrc, report.ntp, report.rtpTime, report.at);
    }
  }

  #isLayer(first: SourceTrack, track: SourceTrack): boolean {
    if (track.kind !== "video" || first.rid === undefined || track.rid === undefined) return false;
    return this.layers.length < MAX_LAYERS && this.layers.every(({ rid }) => rid !== track.rid);
  }
}
