import type { Millis } from "../base/mod.ts";
import type { MediaKind } from "../media/format.ts";
import type { RtpHeader } from "../wire/rtp/mod.ts";

/** One RTP packet of a stream, on the track's own continuous numbering. Shared by all viewers. */
export interface StreamPacket {
  readonly kind: MediaKind;
  /** Plaintext; sequence number and timestamp are the track's, the rest is the publisher's. */
  readonly bytes: Uint8Array;
  /** Where things are in `bytes`; its numbers are the publisher's. */
  readonly header: RtpHeader;
  /** Extended index on the track. Never goes back over changes of SSRC or publisher. */
  readonly index: number;
  /** RTP timestamp on the track, 32 bits. */
  readonly timestamp: number;
  readonly receivedAt: Millis;
  /** The first packet seen of its timestamp, in order. */
  readonly startsFrame: boolean;
  /** Decoding can begin with this packet. Always true for audio. */
  readonly startsKeyframe: boolean;
  /** A packet with a higher index came before. */
  readonly late: boolean;
}

/** Bytes of media in a packet: without header, extensions and padding. */
export function payloadBytes(packet: StreamPacket): number {
  return packet.header.payloadEnd - packet.header.payloadAt;
}
