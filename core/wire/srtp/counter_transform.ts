/** AES-128 counter mode with HMAC-SHA1-80 (RFC 3711 §4.1.1, §4.2.1). @module */
import type { AesEcb, CryptoProvider, Hmac, SrtpLanes } from "../../base/mod.ts";
import { putU32, u8 } from "../../bytes/mod.ts";
import { type CounterBlocks, xorWords } from "./counter_mode.ts";
import type { SessionKeys } from "./key_derivation.ts";
import {
  type LaneKeys,
  RTCP_CLEAR_BYTES,
  RTCP_ENCRYPTED,
  RTCP_INDEX_BYTES,
  type SealBatch,
  type Transform,
} from "./transform.ts";

const TAG_BYTES = 10;
const ROLLOVER_BYTES = 4;

export class CounterTransform implements Transform {
  readonly tagBytes: number = TAG_BYTES;
  readonly laneKeys: LaneKeys | undefined;
  readonly #crypto: CryptoProvider;
  readonly #ecb: AesEcb;
  readonly #hmac: Hmac;
  readonly #salt: Uint8Array;
  readonly #blocks: CounterBlocks;
  /** The rollover counter, authenticated behind the packet (§4.2). */
  readonly #rollover = new Uint8Array(ROLLOVER_BYTES);

  constructor(crypto: CryptoProvider, keys: SessionKeys, blocks: CounterBlocks, lanes?: SrtpLanes) {
    this.#crypto = crypto;
    this.#ecb = crypto.aesEcb(keys.key);
    this.#hmac = crypto.hmac("sha1", keys.authKey);
    this.#salt = keys.salt;
    this.#blocks = blocks;
    this.laneKeys = lanes && {
      ecb: this.#ecb,
      salt: keys.salt,
      states: lanes.prepare(keys.authKey),
    };
  }

  sealRtp(bytes: Uint8Array, payloadAt: number, end: number, ssrc: number, index: number): void {
    this.#crypt(bytes, payloadAt, end, ssrc, index);
    putTag(this.#rtpMac(bytes.subarray(0, end), index), bytes, end);
  }

  openRtp(bytes: Uint8Array, payloadAt: number, ssrc: number, index: number): boolean {
    const end = bytes.length - TAG_BYTES;
    const tag = this.#rtpMac(bytes.subarray(0, end), index).subarray(0, TAG_BYTES);
    if (!this.#crypto.equal(tag, bytes.subarray(end))) return false;
    this.#crypt(bytes, payloadAt, end, ssrc, index);
    return true;
  }

  sealRtcp(bytes: Uint8Array, end: number, ssrc: number, index: number): void {
    this.#crypt(bytes, RTCP_CLEAR_BYTES, end, ssrc, index);
    putU32(bytes, end, RTCP_ENCRYPTED + index);
    const tagAt = end + RTCP_INDEX_BYTES;
    putTag(this.#hmac.sign(bytes.subarray(0, tagAt)), bytes, tagAt);
  }

  openRtcp(bytes: Uint8Array, ssrc: number, word: number): boolean {
    const tagAt = bytes.length - TAG_BYTES;
    const tag = this.#hmac.sign(bytes.subarray(0, tagAt)).subarray(0, TAG_BYTES);
    if (!this.#crypto.equal(tag, bytes.subarray(tagAt))) return false;
    if (word >= RTCP_ENCRYPTED) {
      const end = tagAt - RTCP_INDEX_BYTES;
      this.#crypt(bytes, RTCP_CLEAR_BYTES, end, ssrc, word - RTCP_ENCRYPTED);
    }
    return true;
  }

  sealBatch(batch: SealBatch): void {
    const { out, count, at, payloadAt, payloadEnd, index } = batch;
    const blocks = this.#blocks;
    blocks.clear();
    for (let i = 0; i < count; i++) {
      const length = (payloadEnd[i] ?? 0) - (payloadAt[i] ?? 0);
      blocks.append(this.#salt, batch.ssrc[i] ?? 0, index[i] ?? 0, length);
    }
    const keystream = blocks.encrypt(this.#ecb);
    xorBatch(batch, keystream);
    for (let i = 0; i < count; i++) {
      const end = payloadEnd[i] ?? 0;
      putTag(this.#rtpMac(out.subarray(at[i] ?? 0, end), index[i] ?? 0), out, end);
    }
  }

  #crypt(bytes: Uint8Array, from: number, to: number, ssrc: number, index: number): void {
    if (from >= to) return;
    this.#blocks.clear();
    this.#blocks.append(this.#salt, ssrc, index, to - from);
    this.#blocks.xorInto(this.#ecb, bytes, from, to - from);
  }

  #rtpMac(authenticated: Uint8Array, index: number): Uint8Array {
    putU32(this.#rollover, 0, Math.floor(index / 0x1_0000));
    return this.#hmac.sign(authenticated, this.#rollover);
  }
}

/** The first bytes of a MAC are the tag; copied one by one, for a view of them costs more. */
function putTag(mac: Uint8Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < TAG_BYTES; i++) out[at + i] = u8(mac, i);
}

/** XORs each payload of `source` into the keystream, which is ours, and copies it to its place. */
function xorBatch(batch: SealBatch, keystream: Uint8Array): void {
  const { out, count, payloadAt, payloadEnd, source, sourceWords, sourceAt } = batch;
  let from = 0;
  for (let i = 0; i < count; i++) {
    const to = payloadAt[i] ?? 0;
    const length = (payloadEnd[i] ?? 0) - to;
    xorWords(keystream, from, length, source, sourceWords, sourceAt[i] ?? 0);
    out.set(keystream.subarray(from, from + length), to);
    from += (length + 15) & ~15;
  }
}
