/** The pseudo-random function of TLS 1.2 (RFC 5246 §5). @module */

import type { CryptoProvider, HashName } from "../../../base/mod.ts";
import { concat, latin1Bytes } from "../../../bytes/mod.ts";

/** PRF(secret, label, seed) cut to `size` bytes. */
export function prf(
  crypto: CryptoProvider,
  hash: HashName,
  secret: Uint8Array,
  label: string,
  seed: Uint8Array,
  size: number,
): Uint8Array {
  const hmac = crypto.hmac(hash, secret);
  const labelled = concat([latin1Bytes(label), seed]);
  const parts: Uint8Array[] = [];
  let a = labelled;
  for (let made = 0; made < size; ) {
    a = hmac.sign(a);
    const part = hmac.sign(a, labelled);
    parts.push(part);
    made += part.length;
  }
  return concat(parts).slice(0, size);
}
