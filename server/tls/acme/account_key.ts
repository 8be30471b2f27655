/**
 * The key of an ACME account, and what it signs: JSON Web Signatures with ES256 in flattened JSON
 * (RFC 7515 §7.2.2, RFC 7518 §3.4, RFC 8555 §6.2).
 *
 * @module
 */
import { Crypto } from "@peculiar/webcrypto";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;

/** The public key as it stands in a JWS (RFC 7517); members in the order of RFC 7638 §3. */
interface Jwk {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
  readonly y: string;
}

export interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** What an external account is bound by (RFC 8555 §7.3.4). */
export interface ExternalAccount {
  readonly kid: string;
  /** Base64url, as the CA gives it. */
  readonly hmacKey: string;
}

export class AccountKey {
  /** RFC 7638, for key authorizations. */
  readonly thumbprint: string;
  readonly jwk: Jwk;
  readonly #crypto: Crypto;
  readonly #key: CryptoKey;

  private constructor(crypto: Crypto, key: CryptoKey, jwk: Jwk, thumbprint: string) {
    this.#crypto = crypto;
    this.#key = key;
    this.jwk = jwk;
    this.thumbprint = thumbprint;
  }

  /** A new one, in PKCS #8 DER. */
  static async make(): Promise<Uint8Array> {
    const { subtle } = new Crypto();
    const { privateKey } = await subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    return new Uint8Array(await subtle.exportKey("pkcs8", privateKey));
  }

  /** Throws when it is no P-256 key in PKCS #8 DER. */
  static async open(pkcs8: Uint8Array): Promise<AccountKey> {
    const crypto = new Crypto();
    const der = new Uint8Array(pkcs8);
    const key = await crypto.subtle.importKey("pkcs8", der, ALGORITHM, true, ["sign"]);
    const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", key);
    const jwk: Jwk = { crv: "P-256", kty: "EC", x, y };
    const digest = await crypto.subtle.digest("SHA-256", bytesOf(JSON.stringify(jwk)));
    return new AccountKey(crypto, key, jwk, base64url(new Uint8Array(digest)));
  }

  /** `payload` undefined is POST-as-GET: an empty payload (RFC 8555 §6.3). */
  async sign(header: Readonly<Record<string, unknown>>, payload: unknown): Promise<Jws> {
    const parts = {
      protected: textBase64url(JSON.stringify({ alg: "ES256", ...header })),
      payload: payload === undefined ? "" : textBase64url(JSON.stringify(payload)),
    };
    const input = bytesOf(`${parts.protected}.${parts.payload}`);
    const signature = await this.#crypto.subtle.sign(SIGNING, this.#key, input);
    return { ...parts, signature: base64url(new Uint8Array(signature)) };
  }

  /** `externalAccountBinding`: the account's key, signed with the key the CA gave (HS256). */
  async bind({ kid, hmacKey }: ExternalAccount, url: string): Promise<Jws> {
    const parts = {
      protected: textBase64url(JSON.stringify({ alg: "HS256", kid, url })),
      payload: textBase64url(JSON.stringify(this.jwk)),
    };
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const { subtle } = this.#crypto;
    const key = await subtle.importKey("raw", fromBase64url(hmacKey), hmac, false, ["sign"]);
    const input = bytesOf(`${parts.protected}.${parts.payload}`);
    return {
      ...parts,
      signature: base64url(new Uint8Array(await subtle.sign("HMAC", key, input))),
    };
  }
}

/** RFC 4648 §5, without padding. */
export function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function textBase64url(text: string): string {
  return base64url(bytesOf(text));
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
