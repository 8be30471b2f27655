import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { MonoportError } from "../../core/base/error.ts";
import type { TlsContext } from "../../core/base/io.ts";

/**
 * TLS 1.3's suites, and of TLS 1.2 those with forward secrecy and AEAD (RFC 9325 §4.2): what browsers
 * offer first. Node takes TLS 1.3 to be unwanted where none of its suites is named.
 */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

class NodeTlsContext implements TlsContext {
  readonly kind = "tls-context";
  readonly secureContext: SecureContext;

  constructor(secureContext: SecureContext) {
    this.secureContext = secureContext;
  }
}

/** Certificate chain and private key in PEM. Throws when they cannot be used together. */
export function tlsContext(certificateChain: string, privateKey: string): TlsContext {
  // Not every runtime looks at the pair before the first handshake.
  if (!new X509Certificate(certificateChain).checkPrivateKey(createPrivateKey(privateKey))) {
    throw new MonoportError("config-invalid", "The private key is not that of the certificate");
  }
  return new NodeTlsContext(
    createSecureContext({
      cert: certificateChain,
      key: privateKey,
      minVersion: "TLSv1.2",
      ciphers: CIPHERS,
    }),
  );
}

export function secureContextOf(context: TlsContext): SecureContext {
  if (context instanceof NodeTlsContext) return context.secureContext;
  throw new MonoportError("api-misuse", "Not a context of Runtime.tlsContext");
}
