/**
 * The cryptography Monoport asks of a runtime: synchronous and native, so that protocol machines
 * stay state machines. All inputs are borrowed; all results are fresh and belong to the caller
 * unless a method says otherwise.
 *
 * @module
 */

import type { SrtpLanes } from "./srtp_lanes.ts";

export type HashName = "md5" | "sha1" | "sha256" | "sha384" | "sha512";

/** An AES key schedule kept for many calls; ECB without padding, encryption only. */
export interface AesEcb {
  /** `blocks` is a whole number of 16-byte blocks; returns as many bytes. */
  encrypt(blocks: Uint8Array): Uint8Array;
  /** The same, written to `target` at `at`. */
  encryptInto(blocks: Uint8Array, target: Uint8Array, at: number): void;
}

/** AES-GCM with a 16-byte tag (NIST SP 800-38D), key kept for many calls. */
export interface AesGcm {
  /** Ciphertext with the tag behind it. `nonce` is 12 bytes. */
  seal(nonce: Uint8Array, additional: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or `undefined` when the tag is wrong or `sealed` shorter than a tag. */
  open(nonce: Uint8Array, additional: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** A keyed HMAC for many calls. */
export interface Hmac {
  /** The whole MAC over the concatenation of `parts`. */
  sign(...parts: readonly Uint8Array[]): Uint8Array;
}

export type EcdhGroup = "x25519" | "secp256r1" | "secp384r1";

/** One ephemeral key pair. */
export interface EcdhKey {
  /** 32 bytes for X25519 (RFC 7748), uncompressed point for NIST curves. */
  readonly publicKey: Uint8Array;
  /** The shared secret (x coordinate), or `undefined` for an invalid or low-order peer key. */
  derive(peerPublicKey: Uint8Array): Uint8Array | undefined;
}

export type SignatureKind = "ecdsa" | "rsa-pkcs1" | "rsa-pss";

/** A public key out of a certificate. */
export interface PublicKey {
  readonly type: "ec" | "rsa";
  /** Curve name for `ec` (`secp256r1`, `secp384r1`, `secp521r1`), bits of the modulus for `rsa`. */
  readonly curve?: string;
  readonly modulusBits?: number;
  /**
   * ECDSA signatures are DER (RFC 3279); PSS salt length is that of the hash. False for anything
   * wrong.
   */
  verify(kind: SignatureKind, hash: HashName, data: Uint8Array, signature: Uint8Array): boolean;
}

/** A private key that only signs. */
export interface PrivateKey {
  readonly type: "ec" | "rsa";
  sign(kind: SignatureKind, hash: HashName, data: Uint8Array): Uint8Array;
}

export interface CryptoProvider {
  random(size: number): Uint8Array;
  hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array;
  hmac(name: HashName, key: Uint8Array): Hmac;
  /** 16, 24 or 32 bytes of key. */
  aesEcb(key: Uint8Array): AesEcb;
  /** 16 or 32 bytes of key. */
  aesGcm(key: Uint8Array): AesGcm;
  ecdh(group: EcdhGroup): EcdhKey;
  /**
   * The key in a DER certificate, or `undefined` when it cannot be parsed or its kind is not
   * supported.
   */
  certificateKey(der: Uint8Array): PublicKey | undefined;
  /** PKCS #8 DER. Throws on a key that cannot be used: it is ours. */
  privateKey(pkcs8: Uint8Array): PrivateKey;
  /** Constant time for inputs of equal length; false for unequal lengths. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  /** One for all engines; without it, or when there is none, they seal packet by packet. */
  readonly srtpLanes?: () => SrtpLanes | undefined;
}
