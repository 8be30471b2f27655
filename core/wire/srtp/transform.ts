/**
 * How one set of session keys protects packets.
 *
 *     SRTP     | RTP header | encrypted payload | tag (CM 10, GCM 16) |
 *     SRTCP CM   | first 8 bytes | encrypted rest | E, index (31) | tag (10) |
 *     SRTCP GCM  | first 8 bytes | encrypted rest | tag (16) | E, index (31) |
 *
 * The E bit says that the rest is encrypted (RFC 3711 §3.4).
 *
 * @module
 */
import type { AesEcb } from "../../base/mod.ts";

/** Bytes of an RTCP packet that are never encrypted: header and sender's SSRC. */
export const RTCP_CLEAR_BYTES = 8;
/** Bytes of the E bit and the SRTCP index. */
export const RTCP_INDEX_BYTES = 4;
/** The E bit in the word of the SRTCP index. */
export const RTCP_ENCRYPTED = 0x8000_0000;

/** Packets to be sealed in place in one buffer, as parallel arrays. */
export interface SealBatch {
  /** Holds every header, and room for payload and tag behind it. */
  readonly out: Uint8Array;
  readonly count: number;
  /** First byte of each packet in `out`. */
  readonly at: Uint32Array;
  /** First byte of its payload in `out`. */
  readonly payloadAt: Uint32Array;
  /** One past its payload in `out`: where the tag goes. */
  readonly payloadEnd: Uint32Array;
  readonly ssrc: Uint32Array;
  readonly index: Float64Array;
  /** Holds the plaintext payloads. */
  readonly source: Uint8Array;
  /** `source` in words of the machine's byte order. */
  readonly sourceWords: Uint32Array;
  /** First byte of each payload in `source`: a multiple of four. */
  readonly sourceAt: Uint32Array;
}

/** What `SrtpLanes` need of one viewer. */
export interface LaneKeys {
  readonly ecb: AesEcb;
  readonly salt: Uint8Array;
  readonly states: Uint32Array;
}

/** One direction, SRTP or SRTCP. The tag of a packet lies behind the given end. */
export interface Transform {
  readonly tagBytes: number;
  /** Where its batches may be sealed in lanes. */
  readonly laneKeys: LaneKeys | undefined;
  /**
   * Encrypts `bytes[payloadAt..end)` in place and writes the tag behind it. The packet starts at 0.
   */
  sealRtp(bytes: Uint8Array, payloadAt: number, end: number, ssrc: number, index: number): void;
  /** Decrypts in place when the tag at the end of `bytes` is right; else touches nothing. */
  openRtp(bytes: Uint8Array, payloadAt: number, ssrc: number, index: number): boolean;
  /** Seals `bytes[0..end)` in place and writes index and tag behind it. */
  sealRtcp(bytes: Uint8Array, end: number, ssrc: number, index: number): void;
  /** Decrypts in place when the tag is right; else touches nothing. `word` is E bit and index. */
  openRtcp(bytes: Uint8Array, ssrc: number, word: number): boolean;
  sealBatch(batch: SealBatch): void;
}
