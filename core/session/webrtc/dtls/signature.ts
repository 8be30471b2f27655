import type { HashName, PrivateKey, PublicKey, SignatureKind } from "../../../base/mod.ts";
import { type DigitallySigned, SignatureScheme } from "../../../wire/dtls/mod.ts";
import { DECRYPT_ERROR, NO_COMMON_SIGNATURE, type Refusal, SCHEME_NOT_OFFERED } from "./refusal.ts";

interface Scheme {
  readonly id: number;
  readonly keyType: "ec" | "rsa";
  readonly kind: SignatureKind;
  readonly hash: HashName;
}

/**
 * Ours, best first. In TLS 1.2 an ECDSA scheme does not fix the curve (RFC 5246 §7.4.1.4.1). SHA-1
 * and MD5 are not here, so a peer that has nothing else is refused (RFC 9155).
 */
const SCHEMES: readonly Scheme[] = [
  { id: SignatureScheme.ecdsa_sha256, keyType: "ec", kind: "ecdsa", hash: "sha256" },
  { id: SignatureScheme.ecdsa_sha384, keyType: "ec", kind: "ecdsa", hash: "sha384" },
  { id: SignatureScheme.ecdsa_sha512, keyType: "ec", kind: "ecdsa", hash: "sha512" },
  { id: SignatureScheme.rsa_pss_rsae_sha256, keyType: "rsa", kind: "rsa-pss", hash: "sha256" },
  { id: SignatureScheme.rsa_pss_rsae_sha384, keyType: "rsa", kind: "rsa-pss", hash: "sha384" },
  { id: SignatureScheme.rsa_pss_rsae_sha512, keyType: "rsa", kind: "rsa-pss", hash: "sha512" },
  { id: SignatureScheme.rsa_pkcs1_sha256, keyType: "rsa", kind: "rsa-pkcs1", hash: "sha256" },
  { id: SignatureScheme.rsa_pkcs1_sha384, keyType: "rsa", kind: "rsa-pkcs1", hash: "sha384" },
  { id: SignatureScheme.rsa_pkcs1_sha512, keyType: "rsa", kind: "rsa-pkcs1", hash: "sha512" },
];

/** What we offer and ask for. */
export const SCHEME_IDS: readonly number[] = SCHEMES.map((scheme) => scheme.id);

/** Our best scheme for `keyType` among those the peer takes. */
export function chooseScheme(
  keyType: "ec" | "rsa",
  offered: readonly number[],
): Scheme | undefined {
  return SCHEMES.find((scheme) => scheme.keyType === keyType && offered.includes(scheme.id));
}

/** Signs with the best scheme the peer takes. */
export function signWith(
  key: PrivateKey,
  offered: readonly number[],
  data: Uint8Array,
): DigitallySigned | Refusal {
  const scheme = chooseScheme(key.type, offered);
  if (scheme === undefined) return NO_COMMON_SIGNATURE;
  return { scheme: scheme.id, signature: key.sign(scheme.kind, scheme.hash, data) };
}

/** Undefined when `signed` is a signature of `data` by `key` with a scheme we offered. */
export function checkSignature(
  key: PublicKey,
  signed: DigitallySigned,
  data: Uint8Array,
): Refusal | undefined {
  const scheme = SCHEMES.find((each) => each.id === signed.scheme);
  if (scheme === undefined || scheme.keyType !== key.type) return SCHEME_NOT_OFFERED;
  return key.verify(scheme.kind, scheme.hash, data, signed.signature) ? undefined : DECRYPT_ERROR;
}
