/** Certificates and keys for tests. @module */

import "reflect-metadata";
import { Crypto } from "@peculiar/webcrypto";
import { Extension, X509CertificateGenerator } from "@peculiar/x509";
import { vector } from "./vector.ts";

export type CertificateKind = "p256" | "p384" | "rsa2048" | "rsa4096";

export interface TestCertificate {
  /** DER, the certificate of `pkcs8` first. */
  readonly chain: readonly Uint8Array[];
  /** PKCS #8 DER. */
  readonly pkcs8: Uint8Array;
}

const crypto = new Crypto();
const curves = { p256: "P-256", p384: "P-384" } as const;
const made = new Map<CertificateKind, Promise<TestCertificate>>();

/** A self-signed certificate; the same one whenever a kind is asked for again. */
export function makeCertificate(kind: CertificateKind): Promise<TestCertificate> {
  const known = made.get(kind);
  if (known !== undefined) return known;
  const fresh = makeFreshCertificate(kind);
  made.set(kind, fresh);
  return fresh;
}

/**
 * A self-signed certificate with a fresh EC key (RSA keys come from tests/vectors: making them is
 * slow). `padding` bytes are put into an extension nobody knows.
 */
export async function makeFreshCertificate(
  kind: CertificateKind,
  padding = 0,
): Promise<TestCertificate> {
  const algorithm = algorithmOf(kind);
  const keys = await keysOf(kind, algorithm);
  const extensions =
    padding === 0 ? [] : [new Extension("1.3.6.1.4.1.5923.99", false, new Uint8Array(padding))];
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: "4a01",
      name: `CN=${kind}`,
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000),
      keys,
      signingAlgorithm: algorithm,
      extensions,
    },
    crypto,
  );
  return {
    chain: [new Uint8Array(certificate.rawData)],
    pkcs8: new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey)),
  };
}

/** The certificate with others behind it, `bytes` long in all at least. */
export async function lengthenChain(
  certificate: TestCertificate,
  bytes: number,
): Promise<TestCertificate> {
  const chain = [...certificate.chain];
  let size = 0;
  for (const der of chain) size += der.length;
  while (size < bytes) {
    const filler = await makeFreshCertificate("p256", 1200);
    for (const der of filler.chain) {
      chain.push(der);
      size += der.length;
    }
  }
  return { chain, pkcs8: certificate.pkcs8 };
}

/** DER as PEM. */
export function pem(label: "CERTIFICATE" | "PRIVATE KEY", der: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...der));
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

function algorithmOf(kind: CertificateKind): EcKeyGenParams & EcdsaParams {
  return kind === "p256" || kind === "p384"
    ? { name: "ECDSA", namedCurve: curves[kind], hash: kind === "p384" ? "SHA-384" : "SHA-256" }
    : { name: "RSASSA-PKCS1-v1_5", namedCurve: "", hash: "SHA-256" };
}

async function keysOf(
  kind: CertificateKind,
  algorithm: EcKeyGenParams & EcdsaParams,
): Promise<CryptoKeyPair> {
  if (kind === "p256" || kind === "p384") {
    return await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  }
  const pkcs8 = vector(kind === "rsa2048" ? "rsa_2048_key" : "rsa_4096_key");
  const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const privateKey = await crypto.subtle.importKey("pkcs8", new Uint8Array(pkcs8), rsa, true, [
    "sign",
  ]);
  const jwk = await crypto.subtle.exportKey("jwk", privateKey);
  const publicPart = { kty: "RSA", n: jwk.n ?? "", e: jwk.e ?? "", alg: "RS256", ext: true };
  const publicKey = await crypto.subtle.importKey("jwk", publicPart, rsa, true, ["verify"]);
  return { privateKey, publicKey };
}
