/**
 * Session keys from a master key (RFC 3711 §4.3, RFC 7714 §11), key derivation rate 0:
 * AES counter mode keystream from the master salt with a label at its eighth byte.
 *
 * @module
 */
import type { CryptoProvider, SrtpKeys } from "../../base/mod.ts";
import { putU16, u8 } from "../../bytes/mod.ts";
import { srtpProfileInfo } from "./profile.ts";

/** Keys of SRTP or of SRTCP in one direction. */
export interface SessionKeys {
  readonly key: Uint8Array;
  /** 20 bytes; unused with AEAD. */
  readonly authKey: Uint8Array;
  /** 14 bytes for AES-CM, 12 for AEAD. */
  readonly salt: Uint8Array;
}

const AUTH_KEY_BYTES = 20;
const RTP_LABELS = 0;
const RTCP_LABELS = 3;

/** Keys for SRTP. Throws on master keys of a wrong length: they are ours. */
export function deriveRtpKeys(crypto: CryptoProvider, keys: SrtpKeys): SessionKeys {
  return derive(crypto, keys, RTP_LABELS);
}

/** Keys for SRTCP. Throws on master keys of a wrong length: they are ours. */
export function deriveRtcpKeys(crypto: CryptoProvider, keys: SrtpKeys): SessionKeys {
  return derive(crypto, keys, RTCP_LABELS);
}

function derive(crypto: CryptoProvider, keys: SrtpKeys, labels: number): SessionKeys {
  const info = srtpProfileInfo(keys.profile);
  const { masterKey, masterSalt } = keys;
  if (masterKey.length !== info.keyBytes || masterSalt.length !== info.saltBytes) {
    throw new RangeError(
      `The keys do not fit: ${keys.profile} wants ${info.keyBytes} + ${info.saltBytes} bytes of key`,
    );
  }
  const ecb = crypto.aesEcb(masterKey);
  const stream = (label: number, size: number): Uint8Array => {
    const count = (size + 15) >> 4;
    const blocks = new Uint8Array(count * 16);
    for (let i = 0; i < count; i++) {
      blocks.set(masterSalt, i * 16);
      blocks[i * 16 + 7] = u8(blocks, i * 16 + 7) ^ label;
      putU16(blocks, i * 16 + 14, i);
    }
    return ecb.encrypt(blocks).slice(0, size);
  };
  return {
    key: stream(labels, info.keyBytes),
    authKey: stream(labels + 1, AUTH_KEY_BYTES),
    salt: stream(labels + 2, info.saltBytes),
  };
}
