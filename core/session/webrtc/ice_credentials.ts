import type { CryptoProvider } from "../../base/mod.ts";
import { u8 } from "../../bytes/mod.ts";

/** `a=ice-ufrag` and `a=ice-pwd` of one side. */
export interface IceCredentials {
  readonly ufrag: string;
  readonly pwd: string;
}

/** ice-char of RFC 8839 §5.4. */
const ICE_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** RFC 8445 §5.3 asks for 24 bits in the ufrag and 128 in the pwd; each character brings 6. */
export const MIN_UFRAG_CHARS: number = 8;
export const PWD_CHARS: number = 32;

export interface CredentialOptions {
  /** Put in front of the random part, as a worker's name; ice-chars only. */
  readonly ufragPrefix?: string;
  /** Random characters of the ufrag, at least `MIN_UFRAG_CHARS`, which is the default. */
  readonly ufragChars?: number;
}

/** Fresh credentials that nobody can guess. */
export function makeIceCredentials(
  crypto: Pick<CryptoProvider, "random">,
  options: CredentialOptions = {},
): IceCredentials {
  const chars = Math.max(options.ufragChars ?? MIN_UFRAG_CHARS, MIN_UFRAG_CHARS);
  return {
    ufrag: (options.ufragPrefix ?? "") + iceChars(crypto.random(chars)),
    pwd: iceChars(crypto.random(PWD_CHARS)),
  };
}

/** One character per byte; 64 of them, so none is likelier than another. */
function iceChars(random: Uint8Array): string {
  let text = "";
  for (let i = 0; i < random.length; i++) text += ICE_CHARS.charAt(u8(random, i) & 63);
  return text;
}
