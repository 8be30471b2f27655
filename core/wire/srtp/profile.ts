/** DTLS-SRTP protection profiles (RFC 5764 §4.1.2, RFC 7714 §14.2). @module */
import type { SrtpKeys, SrtpProfile } from "../../base/mod.ts";

/** Lengths are in bytes. */
export interface SrtpProfileInfo {
  readonly name: SrtpProfile;
  readonly keyBytes: number;
  readonly saltBytes: number;
  /** What SRTP adds to a packet; SRTCP adds four more for its index. */
  readonly tagBytes: number;
  readonly aead: boolean;
}

/**
 * What Monoport speaks, the stronger ones first. A batch for viewers costs least with AES-CM, which is
 * sealed in lanes (bench/srtp_packet.ts); on Bun GCM is as cheap.
 */
export const SRTP_PROFILES: readonly SrtpProfileInfo[] = [
  profile("SRTP_AEAD_AES_128_GCM", 16, 12, 16, true),
  profile("SRTP_AEAD_AES_256_GCM", 32, 12, 16, true),
  profile("SRTP_AES128_CM_HMAC_SHA1_80", 16, 14, 10, false),
];

/** The most bytes any profile adds to an RTP packet. */
export const MAX_SRTP_OVERHEAD_BYTES = 16;

/** Lengths of a profile. */
export function srtpProfileInfo(name: SrtpProfile): SrtpProfileInfo {
  const found = SRTP_PROFILES.find((info) => info.name === name);
  if (found === undefined) throw new TypeError(`No such SRTP profile: ${name}`);
  return found;
}

/** Bytes to take from the DTLS exporter: both keys and both salts (RFC 5764 §4.2). */
export function srtpExportBytes(info: SrtpProfileInfo): number {
  return 2 * (info.keyBytes + info.saltBytes);
}

/** Master keys of the two directions of a DTLS connection. */
export interface SrtpKeyPair {
  /** Protects what the DTLS client sends. */
  readonly client: SrtpKeys;
  /** Protects what the DTLS server sends. */
  readonly server: SrtpKeys;
}

/**
 * Splits exported keying material: client key, server key, client salt, server salt (RFC 5764
 * §4.2).
 */
export function splitSrtpKeys(info: SrtpProfileInfo, material: Uint8Array): SrtpKeyPair {
  const { keyBytes, saltBytes, name } = info;
  const saltsAt = 2 * keyBytes;
  return {
    client: {
      profile: name,
      masterKey: material.slice(0, keyBytes),
      masterSalt: material.slice(saltsAt, saltsAt + saltBytes),
    },
    server: {
      profile: name,
      masterKey: material.slice(keyBytes, saltsAt),
      masterSalt: material.slice(saltsAt + saltBytes, saltsAt + 2 * saltBytes),
    },
  };
}

function profile(
  name: SrtpProfile,
  keyBytes: number,
  saltBytes: number,
  tagBytes: number,
  aead: boolean,
): SrtpProfileInfo {
  return { name, keyBytes, saltBytes, tagBytes, aead };
}
