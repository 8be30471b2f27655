/** A certificate in use. @module */
import "reflect-metadata"; // x509 asks for it, and must be loaded after it
import { SubjectAlternativeNameExtension, X509Certificate } from "@peculiar/x509";
import type { Runtime, TlsContext } from "../../core/base/mod.ts";
import { fingerprintOf } from "../certificates.ts";
import type { Pem } from "./pem.ts";

export interface Certificate {
  readonly context: TlsContext;
  /** In lower case; `*.` stands for one label. */
  readonly names: readonly string[];
  /** SHA-256 as in `a=fingerprint`. */
  readonly fingerprint: string;
  /** Distinguished name of who signed it. */
  readonly issuer: string;
  /** Its validity, in ms since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Throws when chain and key cannot be used together. */
export async function certificateOf(
  runtime: Pick<Runtime, "tlsContext">,
  pem: Pem,
): Promise<Certificate> {
  const context = runtime.tlsContext(pem.chain, pem.key);
  const certificate = new X509Certificate(pem.chain);
  return {
    context,
    names: namesOf(certificate),
    fingerprint: await fingerprintOf(new Uint8Array(certificate.rawData)),
    issuer: certificate.issuer,
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
  };
}

/** The DNS names of subjectAltName; without that extension the common name. */
function namesOf(certificate: X509Certificate): string[] {
  const alternatives = certificate.getExtension(SubjectAlternativeNameExtension);
  const names =
    alternatives?.names.items.filter(({ type }) => type === "dns").map(({ value }) => value) ??
    certificate.subjectName.getField("CN");
  return names.map((name) => name.toLowerCase());
}
