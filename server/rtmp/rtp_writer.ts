import type { Millis } from "../../core/base/mod.ts";
import type { Format } from "../../core/media/mod.ts";
import { kindOf } from "../../core/media/mod.ts";
import type { Publisher, SourceTrack } from "../../core/stream/mod.ts";
import { encodeRtpHeader, RTP_HEADER_BYTES } from "../../core/wire/rtp/mod.ts";

/** Dynamic payload types (RFC 3551 §6), one for each format that a track has had. */
const FIRST_PAYLOAD_TYPE = 96;
const LAST_PAYLOAD_TYPE = 127;

/** One track of a publisher who does not send RTP, as RTP for the hub. */
export class RtpWriter {
  readonly track: SourceTrack;
  readonly ssrc: number;
  readonly #publisher: Publisher;
  readonly #formats: Map<number, Format>;
  #format: Format;
  #payloadType: number = FIRST_PAYLOAD_TYPE;
  #index = 0;

  constructor(publisher: Publisher, format: Format, ssrc: number) {
    this.#format = format;
    this.#formats = new Map([[FIRST_PAYLOAD_TYPE, format]]);
    this.track = { kind: kindOf(format.codec), formats: this.#formats, extensions: new Map() };
    this.ssrc = ssrc;
    this.#publisher = publisher;
    publisher.addTrack(this.track);
  }

  /** What is put from now on; with the clock rate of before. */
  setFormat(format: Format): void {
    if (format.codec === this.#format.codec && format.parameters === this.#format.parameters)
      return;
    const next =
      this.#payloadType === LAST_PAYLOAD_TYPE ? FIRST_PAYLOAD_TYPE : this.#payloadType + 1;
    this.#format = format;
    this.#payloadType = next;
    this.#formats.set(next, format);
  }

  /** Of a time in whole ms. */
  timestamp(millis: Millis): number {
    return Math.imul(millis, this.#format.clockRate / 1000) >>> 0;
  }

  put(payload: Uint8Array, timestamp: number, marker: boolean, now: Millis): void {
    const packet = new Uint8Array(RTP_HEADER_BYTES + payload.length);
    const sequenceNumber = this.#index & 0xffff;
    encodeRtpHeader(packet, 0, this.#payloadType, marker, sequenceNumber, timestamp, this.ssrc);
    packet.set(payload, RTP_HEADER_BYTES);
    this.#publisher.put(this.track, packet, this.#index++, now);
  }
}
