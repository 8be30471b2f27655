/** Certificates made at start-up. @module */

import "reflect-metadata"; // x509 asks for it, and must be loaded after it
import { Crypto } from "@peculiar/webcrypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { isAddress } from "./candidates/candidates.ts";

/** A fresh certificate and its key, as DTLS takes them. */
export interface DtlsIdentity {
  /** DER. */
  readonly chain: Uint8Array[];
  /** PKCS #8 DER. */
  readonly pkcs8: Uint8Array;
  /** SHA-256 of the certificate as in `a=fingerprint`: upper-case hex with colons. */
  readonly fingerprint: string;
}

/** A self-signed certificate, and the names it is for. */
export interface CertificateOptions {
  readonly days: number;
  /** Host names and IP addresses for subjectAltName (RFC 5280 §4.2.1.6). */
  readonly names?: readonly string[];
  /** Besides those that browsers ask for when there are names. */
  readonly extensions?: readonly Extension[];
  /** In ms since the Unix epoch; default now. */
  readonly now?: number;
}

const DAY_MILLIS = 86_400_000;
const VALID_DAYS = 30;

/** Self-signed, P-256, CN=monoport, valid from a day ago (clocks differ) for 30 days. */
export function makeDtlsCertificate(): Promise<DtlsIdentity> {
  return makeCertificate({ days: VALID_DAYS });
}

/** Self-signed, P-256, CN=monoport, valid from a day ago (clocks differ). */
export async function makeCertificate(options: CertificateOptions): Promise<DtlsIdentity> {
  const crypto = new Crypto();
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const now = options.now ?? Date.now();
  const serial = crypto.getRandomValues(new Uint8Array(16));
  // A serial number is positive (RFC 5280 §4.1.2.2).
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: [...serial].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
      name: "CN=monoport",
      notBefore: new Date(now - DAY_MILLIS),
      notAfter: new Date(now + options.days * DAY_MILLIS),
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        ...(options.names === undefined ? [] : webExtensions(options.names)),
        ...(options.extensions ?? []),
      ],
    },
    crypto,
  );
  const der = new Uint8Array(certificate.rawData);
  return {
    chain: [der],
    pkcs8: new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey)),
    fingerprint: await fingerprintOf(der),
  };
}

/** What browsers ask of a server's certificate. */
function webExtensions(names: readonly string[]): Extension[] {
  const alternatives = names.map((value): { type: "ip" | "dns"; value: string } => ({
    type: isAddress(value) ? "ip" : "dns",
    value,
  }));
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(alternatives),
  ];
}

/** SHA-256 of a certificate in DER, as in `a=fingerprint`. */
export async function fingerprintOf(der: Uint8Array): Promise<string> {
  return colons(new Uint8Array(await new Crypto().subtle.digest("SHA-256", new Uint8Array(der))));
}

function colons(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
}
