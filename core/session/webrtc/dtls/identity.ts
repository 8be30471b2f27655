import type { CryptoProvider, PublicKey } from "../../../base/mod.ts";
import {
  CERTIFICATE_UNREADABLE,
  FINGERPRINT_MISMATCH,
  KEY_NOT_SUPPORTED,
  NO_CERTIFICATE,
  type Refusal,
} from "./refusal.ts";

/** One `a=fingerprint` (RFC 8122 §5). */
export interface Fingerprint {
  /** Anything but sha-256, sha-384 and sha-512 proves nothing and is passed over. */
  readonly algorithm: string;
  readonly digest: Uint8Array;
}

/** RSA keys outside these bounds are refused: weak below, a way to burn our CPU above. */
export const MIN_RSA_BITS = 2048;
export const MAX_RSA_BITS = 4096;

/** Strongest first. */
const FINGERPRINT_HASHES = [
  { algorithm: "sha-512", hash: "sha512" },
  { algorithm: "sha-384", hash: "sha384" },
  { algorithm: "sha-256", hash: "sha256" },
] as const;

/**
 * The key of the peer's own certificate when that is one the signalling named. Of several
 * fingerprints those with the strongest hash count, and one of them must match (RFC 8122 §5). Who
 * issued the certificate, its names and dates mean nothing in WebRTC (RFC 8827 §6.5).
 */
export function identifyPeer(
  crypto: CryptoProvider,
  chain: readonly Uint8Array[],
  fingerprints: readonly Fingerprint[],
): PublicKey | Refusal {
  const [own] = chain;
  if (own === undefined) return NO_CERTIFICATE;
  if (!matches(crypto, own, fingerprints)) return FINGERPRINT_MISMATCH;
  const key = crypto.certificateKey(own);
  if (key === undefined) return CERTIFICATE_UNREADABLE;
  return isSupported(key) ? key : KEY_NOT_SUPPORTED;
}

function matches(
  crypto: CryptoProvider,
  certificate: Uint8Array,
  fingerprints: readonly Fingerprint[],
): boolean {
  for (const { algorithm, hash } of FINGERPRINT_HASHES) {
    const named = fingerprints.filter((each) => each.algorithm.toLowerCase() === algorithm);
    if (named.length === 0) continue;
    const digest = crypto.hash(hash, certificate);
    return named.some((each) => crypto.equal(each.digest, digest));
  }
  return false;
}

function isSupported(key: PublicKey): boolean {
  if (key.type === "ec") return key.curve === "secp256r1" || key.curve === "secp384r1";
  const bits = key.modulusBits ?? 0;
  return bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS;
}
