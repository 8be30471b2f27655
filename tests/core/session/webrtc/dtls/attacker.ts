/**
 * What an attacker does that no endpoint of ours would: messages, keys and records of his own
 * making.
 *
 * @module
 */

import type { AesGcm, CryptoProvider, PrivateKey } from "../../../../../core/base/mod.ts";
import { isFault } from "../../../../../core/base/mod.ts";
import { concat } from "../../../../../core/bytes/mod.ts";
import {
  type RecordKey,
  sealFragment,
} from "../../../../../core/session/webrtc/dtls/record_cipher.ts";
import {
  ContentType,
  DTLS_1_2,
  type DtlsRecord,
  decodeHandshakeFragment,
  encodeHandshakeMessage,
  encodeRecord,
  type HandshakeMessage,
} from "../../../../../core/wire/dtls/mod.ts";
import { nodeCrypto } from "../../../../../runtime/common/crypto.ts";
import { cryptoWith, type Tamper } from "./peers.ts";
import { changeRecords, datagramOf, recordsOf } from "./records.ts";

/** Replaces whole plaintext messages of one type on their way; undefined takes them out. */
export function replaceMessage(
  from: "client" | "server",
  type: number,
  change: (message: HandshakeMessage) => readonly HandshakeMessage[],
): Tamper {
  return (datagram, side) => {
    if (side !== from) return undefined;
    const out = changeRecords(datagram, (record) => {
      const message = messageOf(record);
      if (message?.type !== type) return [record];
      return change(message).map((each) => ({ ...record, fragment: encodeHandshakeMessage(each) }));
    });
    return out.length > 0 ? [out] : [];
  };
}

/** Replaces the body of messages of one type on their way. */
export function replaceBody(
  from: "client" | "server",
  type: number,
  change: (body: Uint8Array) => Uint8Array,
): Tamper {
  return replaceMessage(from, type, (message) => [{ ...message, body: change(message.body) }]);
}

/** The whole message in a plaintext record. */
export function messageOf(record: DtlsRecord): HandshakeMessage | undefined {
  if (record.type !== ContentType.handshake || record.epoch !== 0) return undefined;
  const fragment = decodeHandshakeFragment(record.fragment);
  if (isFault(fragment) || fragment.body.length !== fragment.length) return undefined;
  return fragment;
}

/** A plaintext record with a number nobody has used. */
export function plainRecord(type: number, fragment: Uint8Array, sequence = 9999): Uint8Array {
  return encodeRecord({ type, version: DTLS_1_2, epoch: 0, sequence, fragment });
}

/** A key that makes signatures of its own kind. */
export function keyThatSigns(
  type: "ec" | "rsa",
  signature: (data: Uint8Array) => Uint8Array,
): PrivateKey {
  return { type, sign: (_kind, _hash, data) => signature(data) };
}

/** A provider with which a PRF with `label` comes out wrong. */
export function cryptoWithWrong(label: string): CryptoProvider {
  return cryptoWith({
    hmac: (name, key) => {
      const hmac = nodeCrypto.hmac(name, key);
      return {
        sign: (...parts) => {
          const mac = hmac.sign(...parts);
          if (String.fromCharCode(...concat(parts)).includes(label)) mac[0] = mac[0]! ^ 1;
          return mac;
        },
      };
    },
  });
}

/** Watches one endpoint's record protection, so that a test can make records as it would. */
export class Spy {
  /** Every plaintext it sealed. */
  readonly sealed: Uint8Array[] = [];
  readonly crypto: CryptoProvider;
  /** May change a plaintext before it is sealed. */
  change: (plaintext: Uint8Array) => Uint8Array = (plaintext) => plaintext;
  #key: RecordKey | undefined;

  constructor() {
    this.crypto = cryptoWith({ aesGcm: (key) => this.#watch(nodeCrypto.aesGcm(key)) });
  }

  /** A record of epoch 1 as the endpoint would have made it. */
  record(type: number, fragment: Uint8Array, sequence: number): Uint8Array {
    if (this.#key === undefined) throw new Error("it has sealed nothing yet");
    const record: DtlsRecord = { type, version: DTLS_1_2, epoch: 1, sequence, fragment };
    return encodeRecord({ ...record, fragment: sealFragment(this.#key, record) });
  }

  #watch(gcm: AesGcm): AesGcm {
    return {
      open: (nonce, additional, bytes) => gcm.open(nonce, additional, bytes),
      seal: (nonce, additional, plaintext) => {
        this.#key = { gcm, iv: nonce.slice(0, 4) };
        this.sealed.push(plaintext.slice());
        return gcm.seal(nonce, additional, this.change(plaintext));
      },
    };
  }
}

/** Sends what `spy`'s endpoint protects in plaintext. */
export function unprotect(from: "client" | "server", spy: Spy): Tamper {
  return (datagram, side) => {
    if (side !== from) return undefined;
    const records = recordsOf(datagram).map((record) => {
      const fragment = spy.sealed.at(-1);
      if (record.epoch === 0 || fragment === undefined) return record;
      return { ...record, epoch: 0, sequence: 500, fragment };
    });
    return [datagramOf(records)];
  };
}
