/** Certificates and keys as text (RFC 7468). @module */
import { PemConverter } from "@peculiar/x509";

/** Certificate chain, the server's own first, and private key. */
export interface Pem {
  readonly chain: string;
  readonly key: string;
}

const KEY_LABEL = "PRIVATE KEY";

export function encodeChain(chain: readonly Uint8Array[]): string {
  const ders = chain.map((der) => der.slice().buffer);
  return `${PemConverter.encode(ders, "CERTIFICATE")}\n`;
}

/** `pkcs8` in DER. */
export function encodeKey(pkcs8: Uint8Array): string {
  return `${PemConverter.encode(pkcs8.slice().buffer, KEY_LABEL)}\n`;
}

/** Certificate and key in one text, as they are kept: one file is replaced at once. */
export function splitPem(text: string): Pem {
  const at = Math.max(text.indexOf(`-----BEGIN ${KEY_LABEL}`), 0);
  return { chain: text.slice(0, at), key: text.slice(at) };
}
