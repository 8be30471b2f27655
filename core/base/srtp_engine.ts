/**
 * Sealing a batch of RTP packets for a group of viewers in one call: header rewrite, SRTP
 * (RFC 3711, RFC 7714) and RFC 4571 framing. The plain engine in core/wire/srtp is the oracle of
 * any faster one.
 *
 * @module
 */

/** DTLS-SRTP protection profiles, by their IANA names (RFC 5764 §4.1.2, RFC 7714 §14.2). */
export type SrtpProfile =
  | "SRTP_AES128_CM_HMAC_SHA1_80"
  | "SRTP_AEAD_AES_128_GCM"
  | "SRTP_AEAD_AES_256_GCM";

/** Master key and salt of one direction, and how they are used. */
export interface SrtpKeys {
  readonly profile: SrtpProfile;
  /** 16 bytes, 32 for AEAD_AES_256_GCM. */
  readonly masterKey: Uint8Array;
  /** 14 bytes for AES-CM, 12 for AEAD. */
  readonly masterSalt: Uint8Array;
}

/** A viewer's SRTP context in the engine. */
export type SenderId = number;
/** A plaintext packet put into the engine, until `clearPackets`. */
export type PacketId = number;

/** How one track's packets look to one viewer. */
export interface TrackRewrite {
  readonly ssrc: number;
  readonly payloadType: number;
  /**
   * Added to the packet's extended index (rollover counter << 16 | sequence number); may be
   * negative.
   */
  readonly indexOffset: number;
  /** Added to the RTP timestamp, modulo 2^32. */
  readonly timestampOffset: number;
  /**
   * Remembers what was sent, for `resend`: some kilobytes. For viewers without RTX; default false.
   */
  readonly resendable?: boolean;
}

/**
 * Takes sealed bytes. They are his who takes them, unless he returns true: then nobody holds them any
 * more, and the engine may use their memory again.
 */
export type Deliver = (sender: SenderId, bytes: Uint8Array) => unknown;

export interface SrtpEngine {
  addSender(keys: SrtpKeys): SenderId;
  /** Forgets the keys (zeroed where they are ours). */
  removeSender(sender: SenderId): void;
  setTrack(sender: SenderId, track: number, rewrite: TrackRewrite): void;
  /**
   * Takes a plaintext RTP packet (borrowed during the call), once per stream and shape of header.
   * `index` is its extended index on the track. `transportSequenceAt` is the offset of the two
   * bytes of the transport-wide sequence number in it, 0 for none; they are zero in `packet`.
   */
  putPacket(
    packet: Uint8Array,
    track: number,
    index: number,
    transportSequenceAt: number,
  ): PacketId;
  clearPackets(): void;
  /** The transport-wide sequence number that the next packet with one will carry (16 bits). */
  nextTransportSequence(sender: SenderId): number;
  /**
   * Seals `packets` for each of `senders`, in order, each packet as SRTP. `framed`: each has the
   * two length bytes of RFC 4571 in front, and `deliver` is called once per sender, with one buffer
   * (never for a sender without packets). Not framed: `deliver` is called once per packet, for
   * datagrams. Of this engine `deliver` may call nothing but
   * `removeSender` and `nextTransportSequence`.
   *
   * An index already used with the same SSRC by a sender is refused (no keystream is used twice):
   * that packet is left out and counted in `refused`. The same goes for a packet that is not RTP
   * or longer than fits a frame, for a track that was not set, and for a sender that is gone.
   */
  seal(
    senders: readonly SenderId[],
    packets: readonly PacketId[],
    framed: boolean,
    deliver: Deliver,
  ): void;
  /**
   * Sends again what `sender` was sent before, on a `resendable` track: the same plaintext, put
   * again with the same index, gives the very same bytes (transport-wide sequence number
   * included), so that the keystream is used for nothing new. Refused and counted: a packet never
   * sent to this sender, more than 1024 indexes old, or not the same (the caller's history must
   * hold one packet per index, the first). A viewer with RTX (RFC 4588) gets a new packet on the
   * RTX SSRC instead, by `seal`.
   */
  resend(sender: SenderId, packets: readonly PacketId[], framed: boolean, deliver: Deliver): void;
  /** Packets left out so far. */
  readonly refused: number;
}
