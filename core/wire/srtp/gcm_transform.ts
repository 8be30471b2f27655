/**
 * AES-GCM (RFC 7714 §8, §9).
 *
 *     SRTP nonce  = salt XOR | 00 00 | SSRC | rollover counter (32) | sequence number (16) |
 *     SRTCP nonce = salt XOR | 00 00 | SSRC | 00 00 | 0 | index (31) |
 *
 * @module
 */
import type { AesGcm, CryptoProvider } from "../../base/mod.ts";
import { putU32, putU48, u8 } from "../../bytes/mod.ts";
import type { SessionKeys } from "./key_derivation.ts";
import {
  RTCP_CLEAR_BYTES,
  RTCP_ENCRYPTED,
  RTCP_INDEX_BYTES,
  type SealBatch,
  type Transform,
} from "./transform.ts";

const TAG_BYTES = 16;
const NOTHING = new Uint8Array(0);

export class GcmTransform implements Transform {
  readonly tagBytes: number = TAG_BYTES;
  readonly laneKeys: undefined = undefined;
  readonly #gcm: AesGcm;
  readonly #salt: Uint8Array;
  readonly #nonce = new Uint8Array(12);
  /** The clear part of an RTCP packet and its index word. */
  readonly #rtcpAdditional = new Uint8Array(RTCP_CLEAR_BYTES + RTCP_INDEX_BYTES);

  constructor(crypto: CryptoProvider, keys: SessionKeys) {
    this.#gcm = crypto.aesGcm(keys.key);
    this.#salt = keys.salt;
  }

  sealRtp(bytes: Uint8Array, payloadAt: number, end: number, ssrc: number, index: number): void {
    const nonce = this.#nonceOf(ssrc, index);
    const header = bytes.subarray(0, payloadAt);
    bytes.set(this.#gcm.seal(nonce, header, bytes.subarray(payloadAt, end)), payloadAt);
  }

  openRtp(bytes: Uint8Array, payloadAt: number, ssrc: number, index: number): boolean {
    const header = bytes.subarray(0, payloadAt);
    const plain = this.#gcm.open(this.#nonceOf(ssrc, index), header, bytes.subarray(payloadAt));
    if (plain === undefined) return false;
    bytes.set(plain, payloadAt);
    return true;
  }

  sealRtcp(bytes: Uint8Array, end: number, ssrc: number, index: number): void {
    const word = RTCP_ENCRYPTED + index;
    const additional = this.#rtcpAdditional;
    additional.set(bytes.subarray(0, RTCP_CLEAR_BYTES));
    putU32(additional, RTCP_CLEAR_BYTES, word);
    const rest = bytes.subarray(RTCP_CLEAR_BYTES, end);
    bytes.set(this.#gcm.seal(this.#nonceOf(ssrc, index), additional, rest), RTCP_CLEAR_BYTES);
    putU32(bytes, end + TAG_BYTES, word);
  }

  openRtcp(bytes: Uint8Array, ssrc: number, word: number): boolean {
    const sealedEnd = bytes.length - RTCP_INDEX_BYTES;
    if (word < RTCP_ENCRYPTED) return this.#isAuthentic(bytes, sealedEnd, ssrc, word);
    const additional = this.#rtcpAdditional;
    additional.set(bytes.subarray(0, RTCP_CLEAR_BYTES));
    putU32(additional, RTCP_CLEAR_BYTES, word);
    const nonce = this.#nonceOf(ssrc, word - RTCP_ENCRYPTED);
    const plain = this.#gcm.open(nonce, additional, bytes.subarray(RTCP_CLEAR_BYTES, sealedEnd));
    if (plain === undefined) return false;
    bytes.set(plain, RTCP_CLEAR_BYTES);
    return true;
  }

  sealBatch(batch: SealBatch): void {
    const { out, count, at, payloadAt, payloadEnd, source, sourceAt, ssrc, index } = batch;
    for (let i = 0; i < count; i++) {
      const to = payloadAt[i] ?? 0;
      const from = sourceAt[i] ?? 0;
      const plain = source.subarray(from, from + (payloadEnd[i] ?? 0) - to);
      const nonce = this.#nonceOf(ssrc[i] ?? 0, index[i] ?? 0);
      out.set(this.#gcm.seal(nonce, out.subarray(at[i] ?? 0, to), plain), to);
    }
  }

  /** A packet in clear: all of it and its index word are additional data (§9.3). */
  #isAuthentic(bytes: Uint8Array, sealedEnd: number, ssrc: number, word: number): boolean {
    const end = sealedEnd - TAG_BYTES;
    const additional = new Uint8Array(end + RTCP_INDEX_BYTES);
    additional.set(bytes.subarray(0, end));
    putU32(additional, end, word);
    const tag = bytes.subarray(end, sealedEnd);
    return this.#gcm.open(this.#nonceOf(ssrc, word), additional, tag)?.length === NOTHING.length;
  }

  /** Valid until the next call. Both nonces are one: an SRTCP index is an index below 2^31. */
  #nonceOf(ssrc: number, index: number): Uint8Array {
    const nonce = this.#nonce;
    nonce[0] = 0;
    nonce[1] = 0;
    putU32(nonce, 2, ssrc);
    putU48(nonce, 6, index);
    for (let i = 0; i < 12; i++) nonce[i] = u8(nonce, i) ^ u8(this.#salt, i);
    return nonce;
  }
}
