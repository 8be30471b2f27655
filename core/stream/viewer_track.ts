import type { TrackRewrite } from "../base/mod.ts";
import { type Format, type MediaKind, suitability } from "../media/mod.ts";
import type { BatchPart } from "./batch.ts";
import { continuedOffset } from "./continued.ts";
import type { StreamPacket } from "./packet.ts";
import { SequenceMap } from "./sequence_map.ts";
import type { ViewerExtensions } from "./shape.ts";
import type { Track } from "./track.ts";

/** A format the viewer takes, under his payload types. */
export interface ViewerFormat {
  readonly format: Format;
  readonly payloadType: number;
  readonly rtxPayloadType?: number;
}

/** One m-line of a viewer. */
export interface ViewerTrackOptions extends ViewerExtensions {
  readonly ssrc: number;
  /** With it and a format's `rtxPayloadType`, NACKs are answered by RFC 4588. */
  readonly rtxSsrc?: number;
  /** Whether he may NACK (`a=rtcp-fb: nack`). */
  readonly nack: boolean;
  readonly formats: readonly ViewerFormat[];
  /** First sequence number, below 2^15 (RFC 3711 §3.3.1). Default: as random as the SSRC. */
  readonly firstSequenceNumber?: number;
}

/**
 * `waiting`: for the publisher or a keyframe. `playing`. `behind`: whole frames are dropped until
 * he has caught up and a keyframe comes. `unsupported`: he takes no such format.
 */
export type ViewerState = "waiting" | "playing" | "behind" | "unsupported";

export interface ViewerTrackStats {
  /** Sent, without retransmissions. */
  packets: number;
  /** Payload alone, as sender reports count (RFC 3550 §6.4.1). */
  octets: number;
  droppedPackets: number;
  droppedFrames: number;
  droppedBytes: number;
  retransmittedPackets: number;
  /** How often another layer was gone over to. */
  switches: number;
}

/** How a batch goes to a viewer: all of a kind, nothing of it, or packet by packet. */
export const ALL = 0;
export const NONE = 1;
export const EACH = 2;

/** One kind of media on its way to one viewer. */
export class ViewerTrack {
  readonly kind: MediaKind;
  readonly options: ViewerTrackOptions;
  readonly map: SequenceMap;
  readonly stats: ViewerTrackStats = {
    packets: 0,
    octets: 0,
    droppedPackets: 0,
    droppedFrames: 0,
    droppedBytes: 0,
    retransmittedPackets: 0,
    switches: 0,
  };
  /** The track he gets, or waits for: of a video with layers, that of his layer. */
  source: Track;
  /** The layer he goes over to at its next keyframe. */
  target: Track | undefined;
  state: ViewerState = "waiting";
  /** The state that the owner was last told. */
  told: ViewerState = "waiting";
  /** The live format under the viewer's payload types. */
  format: ViewerFormat | undefined;
  /** The source's epoch that `format` and `state` belong to. */
  epoch = -1;
  /** Highest index of the source that was sent, -1 for none. */
  highest = -1;
  /** Highest extended index in the viewer's numbering, -1 for none. */
  highestSent = -1;
  /** Index of the next retransmission on its own SSRC. */
  rtxIndex = 0;
  /** Whether the packet with the highest index ended a frame. */
  #ended = false;
  /** Counts runs; the engine must be told of each. */
  runs = 0;
  /** Timestamp of the first frame that was dropped: its late packets are dropped too. */
  #droppedTimestamp = -1;
  /** The track of the newest run, and what is added to its timestamps. */
  #sent: Track | undefined;
  timestampOffset = 0;
  /** The viewer's timestamp of the packet with the highest index. */
  #timestamp = 0;

  constructor(kind: MediaKind, options: ViewerTrackOptions, source: Track) {
    this.kind = kind;
    this.options = options;
    this.source = source;
    const first = (options.firstSequenceNumber ?? options.ssrc) & 0x7fff;
    this.map = new SequenceMap(first);
    this.rtxIndex = first;
  }

  /** Follows a change of SSRC or format: decoding goes on at a keyframe, if at all. */
  adopt(): void {
    const { format: live, epoch } = this.source;
    if (this.epoch === epoch || live === undefined) return;
    this.epoch = epoch;
    this.pause();
    this.format = this.#bestFor(live);
    this.state = this.format === undefined ? "unsupported" : "waiting";
  }

  /** Leaves his layer for that of `track`, where decoding goes on at a keyframe. */
  follow(track: Track): void {
    if (this.target === track) this.target = undefined;
    if (this.source === track) return;
    this.pause();
    this.source = track;
    this.state = "waiting";
    this.epoch = -1;
    this.highest = -1;
    this.#ended = false;
    this.#droppedTimestamp = -1;
    this.adopt();
  }

  /** Whether he can be sent `live`. */
  suits(live: Format): boolean {
    return this.#bestFor(live) !== undefined;
  }

  /** The viewer's format that fits best: of several for H.264 that of the same profile. */
  #bestFor(live: Format): ViewerFormat | undefined {
    let best: ViewerFormat | undefined;
    let most = 0;
    for (const one of this.options.formats) {
      const suits = suitability(live, one.format);
      if (suits > most) [best, most] = [one, suits];
    }
    return best;
  }

  /** Ends the run; what comes next begins with a keyframe. */
  pause(): void {
    if (this.highest >= 0) this.map.close(this.highest + 1);
    if (this.state === "playing" || this.state === "behind") this.state = "waiting";
  }

  /** Decides about a whole batch's part, if that can be; counts what it drops. */
  step(part: BatchPart, open: boolean): number {
    if (this.state === "unsupported") return NONE;
    if (this.state === "playing") {
      if (open) return part.lowest >= this.map.from ? ALL : EACH;
      const { first } = part;
      if (part.late || first?.startsFrame !== true) return EACH;
      this.#stop(first);
    }
    if (part.late || (open && part.keyframe)) return EACH;
    if (this.state === "behind") {
      this.stats.droppedPackets += part.packets;
      this.stats.droppedFrames += part.frames;
      this.stats.droppedBytes += part.bytes;
    }
    return NONE;
  }

  /** What a batch of a track he does not follow is to him. */
  stepAside(track: Track, part: BatchPart, open: boolean): number {
    return open && part.keyframe && this.target === track ? EACH : NONE;
  }

  /** Decides about one packet of `track`. `cut` ends even a frame that has begun. */
  takes(packet: StreamPacket, track: Track, open: boolean, cut: boolean): boolean {
    if (this.source !== track) {
      if (this.target !== track || !packet.startsKeyframe) return false;
      this.follow(track);
    }
    const takes = this.#decide(packet, open, cut);
    if (takes) this.#note(packet.index, packet.timestamp, packet.header.marker);
    return takes;
  }

  #decide(packet: StreamPacket, open: boolean, cut: boolean): boolean {
    if (this.state === "unsupported") return false;
    if (this.state === "playing") {
      if (packet.index < this.map.from) return false;
      const ends = !open && (packet.startsFrame || cut) && !packet.late;
      if (!ends) return true;
      this.#stop(packet);
    }
    if (this.map.holds(packet.index, this.source)) {
      return packet.timestamp !== this.#droppedTimestamp;
    }
    if (open && packet.startsKeyframe && packet.index > this.highest) {
      this.#align(packet);
      this.map.open(this.source, packet.index, this.timestampOffset);
      this.runs++;
      this.state = "playing";
      return true;
    }
    if (this.state === "behind") this.#drop(packet);
    return false;
  }

  /** How the engine is to rewrite the open run. */
  rewrite(): TrackRewrite {
    return {
      ssrc: this.options.ssrc,
      payloadType: this.format?.payloadType ?? 0,
      indexOffset: this.map.offset,
      timestampOffset: this.timestampOffset,
      resendable: this.options.nack && this.rtxRewrite() === undefined,
    };
  }

  /** How retransmissions are rewritten; `undefined` without RTX. */
  rtxRewrite(): TrackRewrite | undefined {
    const ssrc = this.options.rtxSsrc;
    const payloadType = this.format?.rtxPayloadType;
    if (ssrc === undefined || payloadType === undefined) return undefined;
    return { ssrc, payloadType, indexOffset: 0, timestampOffset: this.timestampOffset };
  }

  /** Counts what was sealed. */
  sent(part: BatchPart): void {
    this.stats.packets += part.packets;
    this.stats.octets += part.payloadBytes;
    this.#note(part.highest, part.timestamp, part.ended);
  }

  /** A run of another layer than the last: his timestamps go on. */
  #align(packet: StreamPacket): void {
    const from = this.#sent;
    this.#sent = this.source;
    if (from === undefined || from === this.source) return;
    this.stats.switches++;
    const { timestampOffset } = this;
    this.timestampOffset = continuedOffset(
      from,
      timestampOffset,
      this.#timestamp,
      this.source,
      packet,
    );
  }

  #note(index: number, timestamp: number, marker: boolean): void {
    if (index <= this.highest) return;
    this.highest = index;
    this.#timestamp = (timestamp + this.timestampOffset) >>> 0;
    this.#ended = marker;
    this.highestSent = index + this.map.offset;
  }

  #stop(packet: StreamPacket): void {
    // What was lost in between belongs to this frame when the last one had ended.
    this.map.close(this.#ended ? this.highest + 1 : Math.max(packet.index, this.highest + 1));
    this.#droppedTimestamp = packet.timestamp;
    this.state = "behind";
  }

  #drop(packet: StreamPacket): void {
    this.stats.droppedPackets++;
    this.stats.droppedBytes += packet.bytes.length;
    if (packet.startsFrame) this.stats.droppedFrames++;
  }
}
