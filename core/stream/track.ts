import { isFault, type Millis } from "../base/mod.ts";
import { putU16, putU32, u8, u32 } from "../bytes/mod.ts";
import {
  describe,
  type Format,
  FRAME_START,
  inspect,
  KEYFRAME,
  type MediaKind,
  sameFormat,
  type VideoDescription,
} from "../media/mod.ts";
import { decodeRtp, RTP_HEADER_BYTES, type RtpHeader } from "../wire/rtp/mod.ts";
import { GopMeter } from "./gop_meter.ts";
import { History } from "./history.ts";
import type { HubLimits } from "./options.ts";
import type { StreamPacket } from "./packet.ts";
import { RateMeter } from "./rate_meter.ts";
import { SenderClock } from "./sender_clock.ts";
import { Timeline } from "./timeline.ts";

/** Packets of an SSRC that another one replaced are passed over until it was silent for so long. */
const RETIRED_MILLIS = 2000;
/** A source that jumps further ahead is taken for a new one. */
const MAX_JUMP = 0x8000;

/** URI of a header extension to its ID (`a=extmap`). */
export type ExtensionIds = ReadonlyMap<string, number>;

/** One m-line of a publisher, or one layer of it. */
export interface SourceTrack {
  readonly kind: MediaKind;
  /** Names a layer of simulcast (`a=rid`). */
  readonly rid?: string;
  /** The formats it may send, by payload type. */
  readonly formats: ReadonlyMap<number, Format>;
  readonly extensions: ExtensionIds;
}

/** Figures of a track since the stream began. */
export interface TrackStats {
  packets: number;
  /** Whole RTP packets. */
  bytes: number;
  frames: number;
  keyframes: number;
  duplicates: number;
  reordered: number;
  /** Too late, of a replaced SSRC, of an unknown payload type, or not RTP. */
  ignored: number;
}

/** The audio or the video of a stream, whoever publishes it. */
export class Track {
  readonly kind: MediaKind;
  readonly history: History;
  readonly stats: TrackStats = {
    packets: 0,
    bytes: 0,
    frames: 0,
    keyframes: 0,
    duplicates: 0,
    reordered: 0,
    ignored: 0,
  };
  /** Bytes and frames per second. */
  readonly byteRate: RateMeter = new RateMeter();
  readonly frameRate: RateMeter = new RateMeter();
  readonly gop: GopMeter = new GopMeter();
  /** First byte of the last packet's payload, for sound: what Opus says of itself (RFC 6716 §3.1). */
  soundByte = -1;
  /** The current source's clock, for sender reports. */
  readonly clock: SenderClock = new SenderClock();
  /** What is sent now; `undefined` before the first packet and when nobody publishes it. */
  format: Format | undefined;
  /** What the last keyframe said. */
  description: VideoDescription | undefined;
  /** Counts changes of source and format: decoding cannot go on over one. */
  epoch = 0;
  source: SourceTrack | undefined;
  /** The publisher's SSRC, for requests to him. */
  ssrc = 0;
  readonly timeline: Timeline = new Timeline();
  #fresh = true;
  #payloadType = -1;
  #retiredSsrc = -1;
  #retiredSeen: Millis = 0;
  /** Index that the last keyframe begins at, -1 before the first. */
  #keyframeIndex = -1;
  /** Timestamp of the last frame that was seen to be a keyframe. */
  #keyframeTimestamp = -1;
  /** The same, and in ms since the first, for the length of groups. */
  #gopTimestamp = 0;
  #gopMillis: Millis = 0;

  /** Whether its sender has told his clock, if there is one. */
  get reported(): boolean {
    return this.format === undefined || this.clock.at !== undefined;
  }

  constructor(kind: MediaKind, limits: HubLimits) {
    const video = kind === "video";
    this.kind = kind;
    this.history = new History(
      video ? limits.videoHistoryPackets : limits.audioHistoryPackets,
      video ? limits.videoHistoryBytes : limits.audioHistoryBytes,
      limits.historyMillis,
    );
  }

  /** Another publisher's track takes this one over, or none. */
  setSource(source: SourceTrack | undefined): void {
    this.source = source;
    this.#fresh = true;
    this.#payloadType = -1;
    this.#retiredSsrc = -1;
    this.clock.reset();
    this.gop.reset();
    this.soundByte = -1;
    if (source === undefined) this.format = undefined;
  }

  /**
   * Takes a plaintext packet of the current source; `bytes` is ours from now on. `index` is its
   * extended index at the receiver. `undefined` when it is of no use; counted.
   */
  put(bytes: Uint8Array, index: number, now: Millis): StreamPacket | undefined {
    const header = decodeRtp(bytes);
    if (isFault(header) || !this.#admit(header, index, now)) {
      this.stats.ignored++;
      return undefined;
    }
    return this.#take(bytes, header, index, now);
  }

  /**
   * Whether a packet of video is held no more, and no keyframe came since that makes up for it.
   */
  isLostForGood(index: number): boolean {
    return this.kind === "video" && index >= this.#keyframeIndex && this.history.isForgotten(index);
  }

  /** Whether a packet is of another SSRC or payload type than the last. */
  differs(bytes: Uint8Array): boolean {
    if (bytes.length < RTP_HEADER_BYTES) return false;
    return u32(bytes, 8) !== this.ssrc || (u8(bytes, 1) & 0x7f) !== this.#payloadType;
  }

  /** The source's sender report: its timestamp `rtpTime` was at `at` on our wall clock. */
  report(ssrc: number, at: number, rtpTime: number): void {
    if (ssrc !== this.ssrc || this.#fresh || this.format === undefined) return;
    this.clock.report(at, this.timeline.timestampOf(rtpTime), this.format.clockRate);
  }

  /** Follows changes of SSRC and payload type; false for packets to pass over. */
  #admit(header: RtpHeader, index: number, now: Millis): boolean {
    const format = this.source?.formats.get(header.payloadType);
    if (format === undefined) return false;
    const jump = index + this.timeline.indexOffset > this.timeline.highest + MAX_JUMP;
    if (this.#fresh || jump || header.ssrc !== this.ssrc) {
      if (header.ssrc === this.#retiredSsrc && now - this.#retiredSeen < RETIRED_MILLIS) {
        this.#retiredSeen = now;
        return false;
      }
      this.#begin(header, index, format, now);
    } else if (header.payloadType !== this.#payloadType) {
      // An old packet of the old format must not switch back.
      if (index + this.timeline.indexOffset <= this.timeline.highest) return false;
      this.#adopt(header.payloadType, format);
    }
    return true;
  }

  #begin(header: RtpHeader, index: number, format: Format, now: Millis): void {
    if (!this.#fresh && header.ssrc !== this.ssrc) {
      this.#retiredSsrc = this.ssrc;
      this.#retiredSeen = now;
    }
    this.#fresh = false;
    this.ssrc = header.ssrc;
    this.timeline.restart(index, header.timestamp, now, format.clockRate);
    this.clock.reset();
    this.#adopt(header.payloadType, format);
    this.epoch++;
  }

  #adopt(payloadType: number, format: Format): void {
    this.#payloadType = payloadType;
    if (this.format !== undefined && sameFormat(this.format, format)) {
      this.format = format;
      return;
    }
    this.format = format;
    this.description = undefined;
    this.gop.reset();
    this.epoch++;
  }

  #take(
    bytes: Uint8Array,
    header: RtpHeader,
    sourceIndex: number,
    now: Millis,
  ): StreamPacket | undefined {
    const { timeline, stats } = this;
    const index = sourceIndex + timeline.indexOffset;
    if (index < timeline.lowest || this.history.isPast(index)) {
      stats.ignored++;
      return undefined;
    }
    if (this.history.get(index) !== undefined) {
      stats.duplicates++;
      return undefined;
    }
    const timestamp = timeline.timestampOf(header.timestamp);
    const newTime = timeline.isOther(timestamp);
    const shownEarlier = newTime && ((timestamp - timeline.timestamp) | 0) < 0;
    const newest = timeline.advance(index, timestamp, now);
    const flags = this.#inspect(bytes, header, timestamp);
    putU16(bytes, 2, index & 0xffff);
    putU32(bytes, 4, timestamp);
    const packet: StreamPacket = {
      kind: this.kind,
      bytes,
      header,
      index,
      timestamp,
      receivedAt: now,
      startsFrame: this.kind === "audio" || (newest && newTime),
      startsKeyframe: (flags & KEYFRAME) !== 0,
      late: !newest,
    };
    if (packet.startsKeyframe) this.#keyframeIndex = index;
    if (shownEarlier && packet.startsFrame && stats.frames > 0) this.gop.reordered(now);
    this.#count(packet, now);
    this.history.put(packet);
    return packet;
  }

  /**
   * Flags of the payload; only the first packet of a frame that says so is its keyframe's start.
   */
  #inspect(bytes: Uint8Array, header: RtpHeader, timestamp: number): number {
    const { format } = this;
    if (format === undefined) return 0;
    if (this.kind === "audio") return FRAME_START | KEYFRAME;
    const { payloadAt, payloadEnd } = header;
    const flags = inspect(format.codec, bytes, payloadAt, payloadEnd);
    if ((flags & KEYFRAME) === 0) return flags;
    this.description = describe(format.codec, bytes, payloadAt, payloadEnd) ?? this.description;
    if (timestamp === this.#keyframeTimestamp) return flags & ~KEYFRAME;
    this.#keyframeTimestamp = timestamp;
    return flags;
  }

  /** Ms between the last keyframe and a timestamp, on from where the last was; wraps with no harm. */
  #elapsed(timestamp: number, rate: number): Millis {
    const ticks = (timestamp - this.#gopTimestamp) | 0;
    this.#gopTimestamp = timestamp;
    this.#gopMillis += (ticks * 1000) / rate;
    return this.#gopMillis;
  }

  #count(packet: StreamPacket, now: Millis): void {
    const { stats } = this;
    stats.packets++;
    stats.bytes += packet.bytes.length;
    this.byteRate.add(packet.bytes.length, now);
    if (packet.late) stats.reordered++;
    if (packet.startsFrame) {
      stats.frames++;
      this.frameRate.add(1, now);
    }
    if (this.kind === "audio") {
      this.soundByte = packet.bytes[packet.header.payloadAt] ?? -1;
    } else if (packet.startsKeyframe) {
      stats.keyframes++;
      const rate = this.format?.clockRate ?? 90_000;
      this.gop.keyframe(this.#elapsed(packet.timestamp, rate), stats.frames, now);
    }
  }
}
