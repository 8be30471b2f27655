import type { Millis } from "../../core/base/mod.ts";
import type { Format } from "../../core/media/mod.ts";
import { kindOf } from "../../core/media/mod.ts";
import type { Publisher, SourceTrack } from "../../core/stream/mod.ts";
import { encodeRtpHeader, RTP_HEADER_BYTES } from "../../core/wire/rtp/mod.ts";

/** Any dynamic payload type (RFC 3551 §6): there is one format to a track. */
const PAYLOAD_TYPE = 96;

/** One track of a publisher who does not send RTP, as RTP for the hub. */
export class RtpWriter {
  readonly track: SourceTrack;
  readonly ssrc: number;
  readonly clockRate: number;
  readonly #publisher: Publisher;
  #index = 0;

  constructor(publisher: Publisher, format: Format, ssrc: number) {
    this.track = {
      kind: kindOf(format.codec),
      formats: new Map([[PAYLOAD_TYPE, format]]),
      extensions: new Map(),
    };
    this.ssrc = ssrc;
    this.clockRate = format.clockRate;
    this.#publisher = publisher;
    publisher.addTrack(this.track);
  }

  /** `millis` is a time of 32 bits: its wrap is that of the RTP timestamp times a whole number. */
  timestamp(millis: number): number {
    return Math.imul(millis, this.clockRate / 1000) >>> 0;
  }

  put(payload: Uint8Array, timestamp: number, marker: boolean, now: Millis): void {
    const packet = new Uint8Array(RTP_HEADER_BYTES + payload.length);
    const sequenceNumber = this.#index & 0xffff;
    encodeRtpHeader(packet, 0, PAYLOAD_TYPE, marker, sequenceNumber, timestamp, this.ssrc);
    packet.set(payload, RTP_HEADER_BYTES);
    this.#publisher.put(this.track, packet, this.#index++, now);
  }
}
