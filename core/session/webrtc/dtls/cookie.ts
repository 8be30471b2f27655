import type { CryptoProvider, Hmac } from "../../../base/mod.ts";
import { type ClientHello, encodeClientHello } from "../../../wire/dtls/mod.ts";

/** What the cookies of a server over UDP are made from. */
export interface CookieOptions {
  /** At least 16 random bytes, the same for all sessions of the process. */
  readonly secret: Uint8Array;
  /** The peer's address and port, in any unambiguous form. */
  readonly address: Uint8Array;
}

/** Stateless cookies (RFC 6347 §4.2.1): an HMAC over the address and the client's parameters. */
export class Cookies {
  readonly #crypto: CryptoProvider;
  readonly #hmac: Hmac;
  readonly #address: Uint8Array;

  constructor(crypto: CryptoProvider, options: CookieOptions) {
    this.#crypto = crypto;
    this.#hmac = crypto.hmac("sha256", options.secret);
    this.#address = options.address;
  }

  /** 32 bytes. */
  make(hello: ClientHello): Uint8Array {
    const parameters = encodeClientHello({ ...hello, cookie: new Uint8Array(0), extensions: [] });
    return this.#hmac.sign(Uint8Array.of(this.#address.length), this.#address, parameters);
  }

  isRight(hello: ClientHello): boolean {
    return this.#crypto.equal(hello.cookie, this.make(hello));
  }
}
