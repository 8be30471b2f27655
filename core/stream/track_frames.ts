import { type Millis, NEVER } from "../base/mod.ts";
import { type CodedFormat, type Depacketizer, depacketizerFor, type Format } from "../media/mod.ts";
import type { Frame, FrameFormat } from "./frame.ts";
import type { FrameClock } from "./frame_clock.ts";
import type { StreamPacket } from "./packet.ts";
import { Reorder } from "./reorder.ts";
import type { Track } from "./track.ts";

/** Of one frame; a keyframe of 4K has 2 MiB at its worst. More is passed over until the next frame. */
export const FRAME_MAX_BYTES: number = 8 * 1024 * 1024;
/** Of one frame, however small they are. */
export const FRAME_MAX_PACKETS = 8192;

export interface TrackFramesOptions {
  readonly track: Track;
  readonly clock: FrameClock;
  readonly onFormat: (format: FrameFormat) => void;
  readonly onFrame: (frame: Frame) => void;
  /** Pictures are lost, and nothing can be shown before the next keyframe. */
  readonly onLost: () => void;
}

/** What goes with every packet of a batch. */
export interface Arrival {
  readonly now: Millis;
  /** Our wall clock. */
  readonly wall: Millis;
  /** Whether all tracks have a sender report. */
  readonly bySender: boolean;
}

/** The frames of one track, put together from its packets. */
export class TrackFrames {
  readonly track: Track;
  readonly #options: TrackFramesOptions;
  readonly #reorder: Reorder;
  #epoch = -1;
  #source: Format | undefined;
  #depacketizer: Depacketizer | undefined;
  #told: CodedFormat | undefined;
  /** The frame that is being put together: its timestamp, and whether anything of it is missing. */
  #timestamp = -1;
  #open = false;
  #broken = false;
  #bytes = 0;
  #packets = 0;
  #waits = true;
  #lastDts = Number.NEGATIVE_INFINITY;
  #arrival: Arrival = { now: 0, wall: 0, bySender: false };

  constructor(options: TrackFramesOptions) {
    this.#options = options;
    this.track = options.track;
    this.#reorder = new Reorder((packet, afterGap) => this.#take(packet, afterGap));
  }

  put(packet: StreamPacket, arrival: Arrival): void {
    this.#arrival = arrival;
    if (this.track.epoch !== this.#epoch) this.#restart();
    this.#reorder.put(packet, arrival.now);
  }

  handleTimeout(arrival: Arrival): void {
    this.#arrival = arrival;
    this.#reorder.handleTimeout(arrival.now);
  }

  nextTimeout(): Millis {
    return this.#depacketizer === undefined ? NEVER : this.#reorder.nextTimeout();
  }

  /** Another source, or another codec. */
  #restart(): void {
    const { format, epoch } = this.track;
    this.#epoch = epoch;
    this.#source = format;
    this.#depacketizer = format && depacketizerFor(format.codec, format.channels);
    this.#reorder.restart();
    this.#options.clock.restart();
    this.#open = false;
    this.#broken = false;
    this.#waits = this.track.kind === "video";
  }

  #take(packet: StreamPacket, afterGap: boolean): void {
    const { header, bytes, timestamp } = packet;
    if (this.#open && timestamp !== this.#timestamp) {
      if (afterGap) this.#broken = true;
      this.#finish();
    }
    if (!this.#open) {
      this.#open = true;
      this.#timestamp = timestamp;
      this.#bytes = 0;
      this.#packets = 0;
      // What is missing may have been the beginning of this frame.
      this.#broken = afterGap && !packet.startsKeyframe;
    } else if (afterGap) {
      this.#broken = true;
    }
    this.#gather(bytes, header.payloadAt, header.payloadEnd);
    if (header.marker || this.track.kind === "audio") this.#finish();
  }

  /** Of a frame that is too long nothing is kept. */
  #gather(bytes: Uint8Array, from: number, to: number): void {
    const before = this.#bytes <= FRAME_MAX_BYTES && this.#packets <= FRAME_MAX_PACKETS;
    this.#bytes += to - from;
    this.#packets++;
    if (this.#bytes <= FRAME_MAX_BYTES && this.#packets <= FRAME_MAX_PACKETS) {
      this.#depacketizer?.push(bytes, from, to);
    } else if (before) {
      this.#broken = true;
      this.#depacketizer?.take();
    }
  }

  #finish(): void {
    this.#open = false;
    const coded = this.#depacketizer?.take();
    const video = this.track.kind === "video";
    if (this.#broken && video) {
      this.#waits = true;
      this.#options.onLost();
      return;
    }
    if (coded === undefined || coded.data.length === 0) return;
    if (this.#waits && !coded.keyframe) return;
    const format = coded.format;
    if (format === undefined) return; // nobody could decode it
    if (format !== this.#told) this.#tell(format);
    this.#waits = false;
    const { wall, bySender } = this.#arrival;
    const rate = this.#source?.clockRate ?? 90_000;
    const pts = this.#options.clock.at(this.#timestamp, rate, wall, bySender);
    const dts = Math.max(pts, this.#lastDts);
    this.#lastDts = dts;
    const { kind } = this.track;
    this.#options.onFrame({ kind, dts, pts: dts, keyframe: coded.keyframe, data: coded.data });
  }

  #tell(format: CodedFormat): void {
    const source = this.#source;
    if (source === undefined) return;
    this.#told = format;
    const sound = this.track.kind === "audio";
    this.#options.onFormat({
      kind: this.track.kind,
      codec: source.codec,
      codecString: format.codecString,
      configuration: format.configuration,
      width: format.width,
      height: format.height,
      sampleRate: sound ? source.clockRate : 0,
      channels: sound ? Math.max(1, source.channels) : 0,
    });
  }
}
