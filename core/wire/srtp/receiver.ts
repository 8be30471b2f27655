/** The receiving half of SRTP and SRTCP (RFC 3711 §3.3, RFC 7714). @module */
import { type CryptoProvider, type Fault, isFault, type SrtpKeys } from "../../base/mod.ts";
import { u8, u16, u32 } from "../../bytes/mod.ts";
import { extendIndex, rtpHeaderLength } from "../rtp/mod.ts";
import { CounterBlocks } from "./counter_mode.ts";
import { createTransform } from "./create_transform.ts";
import {
  SRTP_AUTHENTICATION,
  SRTP_INDEX_RANGE,
  SRTP_REPLAYED,
  SRTP_TOO_MANY_SSRCS,
  SRTP_TRUNCATED,
} from "./faults.ts";
import { ReplayWindows } from "./replay_windows.ts";
import { RTCP_CLEAR_BYTES, RTCP_INDEX_BYTES, type Transform } from "./transform.ts";

/**
 * Senders one peer may have at a time, in SRTP and again in SRTCP, unless told otherwise; `SET_ASIDE_MAX`
 * more may have been there before them.
 */
export const MAX_SRTP_SSRCS = 64;

/** One more than the highest index of SRTP. */
export const SRTP_INDEX_END: number = 2 ** 48;

export interface SrtpReceiverOptions {
  /** Default `MAX_SRTP_SSRCS`. */
  readonly maxSsrcs?: number;
}

/** A packet whose tag was right. */
export interface UnprotectedRtp {
  /** The RTP packet in clear: a view of the bytes that were handed in. */
  readonly packet: Uint8Array;
  /** Rollover counter * 2^16 + sequence number. */
  readonly index: number;
}

/** What one peer sends us. Only authentic packets change any state. */
export class SrtpReceiver {
  readonly #rtp: Transform;
  readonly #rtcp: Transform;
  readonly #rtpWindows: ReplayWindows;
  readonly #rtcpWindows: ReplayWindows;

  constructor(crypto: CryptoProvider, keys: SrtpKeys, options: SrtpReceiverOptions = {}) {
    const blocks = new CounterBlocks();
    this.#rtp = createTransform(crypto, keys, "rtp", blocks);
    this.#rtcp = createTransform(crypto, keys, "rtcp", blocks);
    const most = options.maxSsrcs ?? MAX_SRTP_SSRCS;
    this.#rtpWindows = new ReplayWindows(most);
    this.#rtcpWindows = new ReplayWindows(most);
  }

  /**
   * Checks and decrypts an SRTP packet in place: `packet` is the caller's no more when this
   * succeeds, and untouched when it does not. Faults: `SRTP_TRUNCATED` and those of the RTP header,
   * `SRTP_INDEX_RANGE`, `SRTP_REPLAYED`, `SRTP_TOO_MANY_SSRCS`, `SRTP_AUTHENTICATION`.
   */
  unprotect(packet: Uint8Array): UnprotectedRtp | Fault {
    const end = packet.length - this.#rtp.tagBytes;
    if (end < 0) return SRTP_TRUNCATED;
    const payloadAt = rtpHeaderLength(packet, end);
    if (isFault(payloadAt)) return payloadAt;
    const ssrc = u32(packet, 8);
    const window = this.#rtpWindows.find(ssrc);
    if (window === undefined && this.#rtpWindows.full) return SRTP_TOO_MANY_SSRCS;
    const sequenceNumber = u16(packet, 2);
    let index = window ? extendIndex(window.highest, sequenceNumber) : sequenceNumber;
    if (index < 0 || index >= SRTP_INDEX_END) return SRTP_INDEX_RANGE;
    if (window && !window.isFresh(index)) return SRTP_REPLAYED;
    if (!this.#rtp.openRtp(packet, payloadAt, ssrc, index)) {
      // A sender that begins near 65535 may have rolled over before its first packet got here.
      const maybeRolled = window === undefined && sequenceNumber < 0x8000;
      index += 0x1_0000;
      if (!maybeRolled || !this.#rtp.openRtp(packet, payloadAt, ssrc, index)) {
        return SRTP_AUTHENTICATION;
      }
    }
    this.#rtpWindows.commit(ssrc, window, index);
    return { packet: packet.subarray(0, end), index };
  }

  /**
   * Checks and decrypts an SRTCP packet in place, as `unprotect` does; the result is a view of it.
   * A packet sent in clear (E bit 0) is taken when its tag is right.
   */
  unprotectRtcp(packet: Uint8Array): Uint8Array | Fault {
    const { tagBytes } = this.#rtcp;
    const end = packet.length - tagBytes - RTCP_INDEX_BYTES;
    if (end < RTCP_CLEAR_BYTES || u8(packet, 0) >> 6 !== 2) return SRTP_TRUNCATED;
    // AEAD has the index last (RFC 7714 §9.2), AES-CM the tag (RFC 3711 §3.4).
    const word = u32(packet, tagBytes === 16 ? end + tagBytes : end);
    const index = word % 0x8000_0000;
    const ssrc = u32(packet, 4);
    const window = this.#rtcpWindows.find(ssrc);
    if (window === undefined && this.#rtcpWindows.full) return SRTP_TOO_MANY_SSRCS;
    if (window && !window.isFresh(index)) return SRTP_REPLAYED;
    if (!this.#rtcp.openRtcp(packet, ssrc, word)) return SRTP_AUTHENTICATION;
    this.#rtcpWindows.commit(ssrc, window, index);
    return packet.subarray(0, end);
  }
}
