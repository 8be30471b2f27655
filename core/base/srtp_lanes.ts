/**
 * Sealing a group of viewers' packets with AES-CM and HMAC-SHA1-80 (RFC 3711) in one call, where a
 * runtime has something faster than its calls packet by packet. All areas are shared memory that
 * never moves: who calls fills them, calls, and takes the result before anybody else may call.
 *
 * @module
 */

/** Words of one packet in `packets`. */
export const LANE_PACKET_WORDS = 4;
/** Words of one job in `jobs`. */
export const LANE_JOB_WORDS = 8;
/** Words of a viewer's states in `states`. */
export const LANE_STATE_WORDS = 10;
/** Seventh word of a job without a packet; else it is the payload type. */
export const LANE_NO_PACKET = 0x80;

export interface SrtpLanes {
  readonly mostViewers: number;
  readonly mostPackets: number;
  readonly mostJobs: number;
  /** `prepare`d keys, of each viewer. */
  readonly states: Uint32Array;
  /**
   * Of each packet: offset in `plain`, bytes of the header, all bytes, offset of the transport-wide
   * sequence number in it (0: none).
   */
  readonly packets: Uint32Array;
  /**
   * Of each viewer each packet: offset in `out`, offset in `keystream`, sequence number | transport-wide
   * number << 16, rollover counter, SSRC, what is added to the timestamp, payload type, unused.
   */
  readonly jobs: Uint32Array;
  /** RTP packets in clear. */
  readonly plain: Uint8Array;
  /** That of the batch in the first `keystreamBytes`, then slots that last. */
  readonly keystream: Uint8Array;
  readonly keystreamBytes: number;
  readonly slotBytes: number;
  /** SRTP packets, each with room for a tag of 10 bytes. */
  readonly out: Uint8Array;
  /** Bytes of counter blocks that `count` has room for. */
  readonly counterBytes: number;
  /** Offset of a slot in `keystream`; -1 when there is none. */
  takeSlot(): number;
  /** Zeroed, for others. */
  giveSlot(slot: number): void;
  /** States for a key of at most 64 bytes. */
  prepare(authKey: Uint8Array): Uint32Array;
  /** Lays out counter blocks at `at`: `blocks` for each of `packets` packets from `index` on. */
  count(
    at: number,
    salt: Uint8Array,
    ssrc: number,
    index: number,
    packets: number,
    blocks: number,
  ): void;
  /** `bytes` of what was laid out at `at`; valid until the next call. */
  counters(at: number, bytes: number): Uint8Array;
  /** Seals all jobs. `framed`: the two length bytes of RFC 4571 are written in front of each. */
  seal(viewers: number, packets: number, framed: boolean): void;
}
