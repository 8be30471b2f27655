import type { Millis } from "../base/mod.ts";
import type { MediaKind } from "../media/mod.ts";
import { payloadBytes, type StreamPacket } from "./packet.ts";

/** What a batch holds of one kind. */
export class BatchPart {
  packets = 0;
  frames = 0;
  /** Whole RTP packets, and their payloads alone. */
  bytes = 0;
  payloadBytes = 0;
  lowest = 0;
  highest = 0;
  /** Timestamp of the packet with the highest index. */
  timestamp = 0;
  /** Marker of the packet with the highest index. */
  ended = false;
  /** Whether a keyframe starts in it. */
  keyframe = false;
  /** Whether a packet in it came after a later one. */
  late = false;
  first: StreamPacket | undefined;

  clear(): void {
    this.packets = 0;
    this.frames = 0;
    this.bytes = 0;
    this.payloadBytes = 0;
    this.keyframe = false;
    this.late = false;
    this.first = undefined;
  }

  add(packet: StreamPacket): void {
    if (this.packets === 0) {
      this.first = packet;
      this.lowest = packet.index;
      this.highest = packet.index;
      this.timestamp = packet.timestamp;
      this.ended = packet.header.marker;
    }
    this.packets++;
    this.bytes += packet.bytes.length;
    this.payloadBytes += payloadBytes(packet);
    if (packet.index < this.lowest) this.lowest = packet.index;
    if (packet.index > this.highest) {
      this.highest = packet.index;
      this.timestamp = packet.timestamp;
      this.ended = packet.header.marker;
    }
    if (packet.startsFrame) this.frames++;
    if (packet.startsKeyframe) this.keyframe = true;
    if (packet.late) this.late = true;
  }
}

/**
 * Packets that came together, of audio and of one layer of the video, one epoch of each; reused
 * from batch to batch.
 */
export class Batch {
  readonly packets: StreamPacket[] = [];
  readonly audio: BatchPart = new BatchPart();
  readonly video: BatchPart = new BatchPart();
  at: Millis = 0;

  add(packet: StreamPacket): void {
    this.packets.push(packet);
    this.part(packet.kind).add(packet);
  }

  part(kind: MediaKind): BatchPart {
    return kind === "audio" ? this.audio : this.video;
  }

  clear(): void {
    this.packets.length = 0;
    this.audio.clear();
    this.video.clear();
  }
}
