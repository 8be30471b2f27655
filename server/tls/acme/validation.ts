/**
 * The certificate that proves a domain to a CA (RFC 8737 §3).
 *
 * @module
 */
import "reflect-metadata"; // x509 asks for it, and must be loaded after it
import { Crypto } from "@peculiar/webcrypto";
import { Extension } from "@peculiar/x509";
import type { ValidationCertificate } from "../../../core/session/acme_tls/mod.ts";
import { makeCertificate } from "../../certificates.ts";

/** The protocol a CA offers by ALPN, alone, when it validates. */
export const ACME_TLS: string = "acme-tls/1";

/** id-pe-acmeIdentifier. */
const ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31";
const VALID_DAYS = 7;

/**
 * Self-signed, with `domain` as its only name and the SHA-256 of the key authorization in a critical
 * acmeIdentifier extension.
 */
export async function makeValidation(
  domain: string,
  authorization: string,
): Promise<ValidationCertificate> {
  const text = new TextEncoder().encode(authorization);
  const digest = new Uint8Array(await new Crypto().subtle.digest("SHA-256", text));
  // An OCTET STRING of 32 bytes.
  const value = Uint8Array.of(4, digest.length, ...digest);
  const { chain, pkcs8 } = await makeCertificate({
    days: VALID_DAYS,
    names: [domain],
    extensions: [new Extension(ACME_IDENTIFIER, true, value)],
  });
  return { certificate: chain[0] ?? new Uint8Array(0), pkcs8 };
}
