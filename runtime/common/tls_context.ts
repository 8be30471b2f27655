import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { MonoportError } from "../../core/base/error.ts";
import type { TlsContext } from "../../core/base/io.ts";

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
    createSecureContext({ cert: certificateChain, key: privateKey, minVersion: "TLSv1.2" }),
  );
}

export function secureContextOf(context: TlsContext): SecureContext {
  if (context instanceof NodeTlsContext) return context.secureContext;
  throw new MonoportError("api-misuse", "Not a context of Runtime.tlsContext");
}
