/** From the ECDH secret to record keys, Finished and SRTP keys. @module */

import type { CryptoProvider, SrtpProfile } from "../../../base/mod.ts";
import { concat } from "../../../bytes/mod.ts";
import {
  type SrtpKeyPair,
  splitSrtpKeys,
  srtpExportBytes,
  srtpProfileInfo,
} from "../../../wire/srtp/mod.ts";
import { prf } from "./prf.ts";
import type { RecordKey } from "./record_cipher.ts";
import type { Suite } from "./suite.ts";

/** Bytes of verify_data (RFC 5246 §7.4.9). */
export const VERIFY_DATA_BYTES = 12;
const MASTER_SECRET_BYTES = 48;
const IV_BYTES = 4;

/** Epoch 1 in both directions. */
export interface RecordKeys {
  readonly client: RecordKey;
  readonly server: RecordKey;
}

/** Everything that follows from the master secret of one handshake. */
export class Secrets {
  readonly #crypto: CryptoProvider;
  readonly #suite: Suite;
  readonly #clientRandom: Uint8Array;
  readonly #serverRandom: Uint8Array;
  readonly #master: Uint8Array;

  /**
   * `sessionHash`, of the messages up to ClientKeyExchange, is given with extended master secret
   * (RFC 7627 §4).
   */
  constructor(
    crypto: CryptoProvider,
    suite: Suite,
    clientRandom: Uint8Array,
    serverRandom: Uint8Array,
    premaster: Uint8Array,
    sessionHash: Uint8Array | undefined,
  ) {
    this.#crypto = crypto;
    this.#suite = suite;
    this.#clientRandom = clientRandom;
    this.#serverRandom = serverRandom;
    const label = sessionHash === undefined ? "master secret" : "extended master secret";
    const seed = sessionHash ?? concat([clientRandom, serverRandom]);
    this.#master = prf(crypto, suite.hash, premaster, label, seed, MASTER_SECRET_BYTES);
  }

  /** The key block (RFC 5246 §6.3): keys of client and server, then their IVs. */
  recordKeys(): RecordKeys {
    const { keyBytes, hash } = this.#suite;
    const seed = concat([this.#serverRandom, this.#clientRandom]);
    const size = 2 * (keyBytes + IV_BYTES);
    const block = prf(this.#crypto, hash, this.#master, "key expansion", seed, size);
    const ivs = 2 * keyBytes;
    return {
      client: {
        gcm: this.#crypto.aesGcm(block.slice(0, keyBytes)),
        iv: block.slice(ivs, ivs + IV_BYTES),
      },
      server: {
        gcm: this.#crypto.aesGcm(block.slice(keyBytes, ivs)),
        iv: block.slice(ivs + IV_BYTES),
      },
    };
  }

  /** verify_data over the hash of all messages before the Finished (RFC 5246 §7.4.9). */
  verifyData(side: "client" | "server", transcriptHash: Uint8Array): Uint8Array {
    const { hash } = this.#suite;
    const label = `${side} finished`;
    return prf(this.#crypto, hash, this.#master, label, transcriptHash, VERIFY_DATA_BYTES);
  }

  /** EXTRACTOR-dtls_srtp (RFC 5764 §4.2): split by `splitSrtpKeys`. */
  srtpKeys(profile: SrtpProfile): SrtpKeyPair {
    const info = srtpProfileInfo(profile);
    const { hash } = this.#suite;
    const seed = concat([this.#clientRandom, this.#serverRandom]);
    const size = srtpExportBytes(info);
    const material = prf(this.#crypto, hash, this.#master, "EXTRACTOR-dtls_srtp", seed, size);
    return splitSrtpKeys(info, material);
  }

  /** Forgets the master secret. */
  erase(): void {
    this.#master.fill(0);
  }
}
