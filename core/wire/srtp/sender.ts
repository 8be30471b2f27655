/** The sending half of SRTP and SRTCP, one packet at a time (RFC 3711 §3.3, RFC 7714). @module */
import { type CryptoProvider, type Fault, isFault, type SrtpKeys } from "../../base/mod.ts";
import { u8, u16, u32 } from "../../bytes/mod.ts";
import { rtpHeaderLength } from "../rtp/mod.ts";
import { CounterBlocks } from "./counter_mode.ts";
import { createTransform } from "./create_transform.ts";
import {
  SRTP_INDEX_MISMATCH,
  SRTP_INDEX_RANGE,
  SRTP_INDEX_USED,
  SRTP_TOO_MANY_SSRCS,
  SRTP_TRUNCATED,
} from "./faults.ts";
import { IndexWindow } from "./index_window.ts";
import { MAX_SRTP_SSRCS, SRTP_INDEX_END } from "./receiver.ts";
import { RTCP_CLEAR_BYTES, RTCP_INDEX_BYTES, type Transform } from "./transform.ts";

/** One more than the highest index of SRTCP. */
export const SRTCP_INDEX_END: number = 2 ** 31;

export interface SrtpSenderOptions {
  /** Index of the first SRTCP packet; default 0. For tests of its end. */
  readonly firstRtcpIndex?: number;
}

/**
 * What we send to one peer. Media for many viewers goes through an `SrtpEngine`, and RTCP through
 * this: never RTP of one SSRC through both, for neither knows the indexes of the other.
 */
export class SrtpSender {
  readonly #rtp: Transform;
  readonly #rtcp: Transform;
  readonly #windows = new Map<number, IndexWindow>();
  /** One counter for all SSRCs: unique for each, and receivers mind no gaps. */
  #rtcpIndex: number;

  constructor(crypto: CryptoProvider, keys: SrtpKeys, options: SrtpSenderOptions = {}) {
    const blocks = new CounterBlocks();
    this.#rtp = createTransform(crypto, keys, "rtp", blocks);
    this.#rtcp = createTransform(crypto, keys, "rtcp", blocks);
    this.#rtcpIndex = options.firstRtcpIndex ?? 0;
  }

  /**
   * The SRTP packet for an RTP packet, fresh. Faults, all of our own making: those of the RTP
   * header, `SRTP_INDEX_MISMATCH`, `SRTP_INDEX_RANGE`, `SRTP_INDEX_USED`, `SRTP_TOO_MANY_SSRCS`.
   */
  protect(packet: Uint8Array, index: number): Uint8Array | Fault {
    const payloadAt = rtpHeaderLength(packet);
    if (isFault(payloadAt)) return payloadAt;
    if (index < 0 || index >= SRTP_INDEX_END) return SRTP_INDEX_RANGE;
    if (index % 0x1_0000 !== u16(packet, 2)) return SRTP_INDEX_MISMATCH;
    const ssrc = u32(packet, 8);
    let window = this.#windows.get(ssrc);
    if (window === undefined) {
      if (this.#windows.size >= MAX_SRTP_SSRCS) return SRTP_TOO_MANY_SSRCS;
      window = new IndexWindow();
      this.#windows.set(ssrc, window);
    }
    if (!window.isFresh(index)) return SRTP_INDEX_USED;
    window.mark(index);
    const out = new Uint8Array(packet.length + this.#rtp.tagBytes);
    out.set(packet);
    this.#rtp.sealRtp(out, payloadAt, packet.length, ssrc, index);
    return out;
  }

  /**
   * The SRTCP packet for a (compound) RTCP packet, fresh. Faults: `SRTP_TRUNCATED` below 8 bytes,
   * `SRTP_INDEX_RANGE` after 2^31 packets: the session needs new keys.
   */
  protectRtcp(packet: Uint8Array): Uint8Array | Fault {
    if (packet.length < RTCP_CLEAR_BYTES || u8(packet, 0) >> 6 !== 2) return SRTP_TRUNCATED;
    if (this.#rtcpIndex >= SRTCP_INDEX_END) return SRTP_INDEX_RANGE;
    const out = new Uint8Array(packet.length + RTCP_INDEX_BYTES + this.#rtcp.tagBytes);
    out.set(packet);
    this.#rtcp.sealRtcp(out, packet.length, u32(packet, 4), this.#rtcpIndex++);
    return out;
  }
}
