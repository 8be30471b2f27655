import { type EcdhKey, isFault } from "../../../base/mod.ts";
import {
  ClientCertificateType,
  type ClientHello,
  DTLS_1_0,
  DTLS_1_2,
  decodeCertificate,
  decodeCertificateVerify,
  decodeClientHello,
  decodeClientKeyExchange,
  encodeCertificate,
  encodeCertificateRequest,
  encodeHelloVerifyRequest,
  encodeServerEcdhParams,
  encodeServerHello,
  encodeServerKeyExchange,
  type HandshakeMessage,
  HandshakeType,
} from "../../../wire/dtls/mod.ts";
import { type CookieOptions, Cookies } from "./cookie.ts";
import {
  Exchange,
  type ExchangeOptions,
  type Handshake,
  isRefusal,
  NOTHING,
  type Step,
} from "./exchange.ts";
import { plain } from "./flight.ts";
import { identifyPeer } from "./identity.ts";
import { malformed, type Refusal, UNEXPECTED_MESSAGE } from "./refusal.ts";
import type { RecordKeys } from "./secrets.ts";
import { type Choice, choose } from "./server_hello.ts";
import { checkSignature, SCHEME_IDS, signWith } from "./signature.ts";

/**
 * The server's side (RFC 5246 §7.3):
 *
 *   ClientHello        ->   HelloVerifyRequest, over UDP with cookies
 *   ClientHello        ->   ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone
 *   Certificate, ClientKeyExchange, CertificateVerify, [ChangeCipherSpec], Finished
 *                      ->   [ChangeCipherSpec], Finished
 */
export class ServerHandshake implements Handshake {
  readonly #exchange: Exchange;
  #cookies: Cookies | undefined;
  #expects: number = HandshakeType.client_hello;
  #ecdh: EcdhKey | undefined;
  #recordKeys: RecordKeys | undefined;

  constructor(options: ExchangeOptions, cookie: CookieOptions | undefined) {
    this.#exchange = new Exchange(options);
    this.useCookies(cookie);
  }

  /** From now on a ClientHello must bring a cookie, or need not. */
  useCookies(cookie: CookieOptions | undefined): void {
    const { crypto } = this.#exchange.options;
    this.#cookies = cookie === undefined ? undefined : new Cookies(crypto, cookie);
  }

  handleMessage(message: HandshakeMessage): Step | Refusal {
    if (message.type !== this.#expects) return UNEXPECTED_MESSAGE;
    switch (message.type) {
      case HandshakeType.client_hello:
        return this.#handleClientHello(message);
      case HandshakeType.certificate:
        return this.#handleCertificate(message);
      case HandshakeType.client_key_exchange:
        return this.#handleClientKeyExchange(message);
      case HandshakeType.certificate_verify:
        return this.#handleCertificateVerify(message);
      default:
        return this.#handleFinished(message);
    }
  }

  #handleClientHello(message: HandshakeMessage): Step | Refusal {
    const hello = decodeClientHello(message.body);
    if (isFault(hello)) return malformed(hello);
    if (this.#cookies !== undefined && !this.#cookies.isRight(hello)) {
      // Old servers say 1.0 here whatever they will choose, and clients expect it (RFC 6347
      // §4.2.1).
      const cookie = this.#cookies.make(hello);
      const body = encodeHelloVerifyRequest({ version: DTLS_1_0, cookie });
      const { messageSeq } = message;
      return { stateless: { type: HandshakeType.hello_verify_request, messageSeq, body } };
    }
    const { certificate, srtpProfiles } = this.#exchange.options;
    const choice = choose(hello, certificate.key.type, srtpProfiles);
    if (isRefusal(choice)) return choice;
    this.#exchange.numberFrom(message.messageSeq);
    this.#exchange.record(message);
    return this.#answer(hello, choice);
  }

  #answer(hello: ClientHello, choice: Choice): Step | Refusal {
    const exchange = this.#exchange;
    const { crypto, certificate } = exchange.options;
    const serverRandom = crypto.random(32);
    exchange.agree({ ...choice, clientRandom: hello.random, serverRandom });
    const ecdh = crypto.ecdh(choice.group.name);
    const params = encodeServerEcdhParams({ group: choice.group.id, publicKey: ecdh.publicKey });
    const signed = signWith(certificate.key, choice.schemes, exchange.signedParams(params));
    if (isRefusal(signed)) return signed;
    this.#ecdh = ecdh;
    this.#expects = HandshakeType.certificate;
    const bodies: readonly (readonly [number, Uint8Array])[] = [
      [
        HandshakeType.server_hello,
        encodeServerHello({
          version: DTLS_1_2,
          random: serverRandom,
          sessionId: new Uint8Array(0),
          cipherSuite: choice.suite.id,
          compressionMethod: 0,
          extensions: choice.extensions,
        }),
      ],
      [HandshakeType.certificate, encodeCertificate(certificate.chain)],
      [HandshakeType.server_key_exchange, encodeServerKeyExchange(params, signed)],
      [HandshakeType.certificate_request, CERTIFICATE_REQUEST],
      [HandshakeType.server_hello_done, new Uint8Array(0)],
    ];
    const items = bodies.map(([type, body]) => plain(exchange.write(type, body)));
    return { flight: { items, awaitsReply: true } };
  }

  #handleCertificate(message: HandshakeMessage): Step | Refusal {
    const chain = decodeCertificate(message.body);
    if (isFault(chain)) return malformed(chain);
    const { crypto, peerFingerprints } = this.#exchange.options;
    const key = identifyPeer(crypto, chain, peerFingerprints);
    if (isRefusal(key)) return key;
    this.#exchange.peerKey = key;
    this.#exchange.record(message);
    this.#expects = HandshakeType.client_key_exchange;
    return NOTHING;
  }

  #handleClientKeyExchange(message: HandshakeMessage): Step | Refusal {
    const publicKey = decodeClientKeyExchange(message.body);
    if (isFault(publicKey)) return malformed(publicKey);
    if (this.#ecdh === undefined) return UNEXPECTED_MESSAGE;
    this.#exchange.record(message);
    const keys = this.#exchange.deriveSecrets(this.#ecdh, publicKey);
    if (isRefusal(keys)) {
      this.#exchange.unrecord();
      return keys;
    }
    this.#recordKeys = keys;
    this.#expects = HandshakeType.certificate_verify;
    return NOTHING;
  }

  /**
   * Only now is it known that the peer has the certificate's key, and only now are keys given out.
   */
  #handleCertificateVerify(message: HandshakeMessage): Step | Refusal {
    const signed = decodeCertificateVerify(message.body);
    if (isFault(signed)) return malformed(signed);
    const { peerKey } = this.#exchange;
    if (peerKey === undefined || this.#recordKeys === undefined) return UNEXPECTED_MESSAGE;
    const wrong = checkSignature(peerKey, signed, this.#exchange.transcript());
    if (wrong !== undefined) return wrong;
    this.#exchange.record(message);
    this.#expects = HandshakeType.finished;
    return { recordKeys: this.#recordKeys };
  }

  #handleFinished(message: HandshakeMessage): Step | Refusal {
    const wrong = this.#exchange.checkFinished("client", message);
    if (wrong !== undefined) return wrong;
    const items = this.#exchange.finish("server");
    const established = this.#exchange.establish();
    if (isRefusal(established)) return established;
    this.#expects = -1;
    return { flight: { items, awaitsReply: false }, established };
  }
}

const CERTIFICATE_REQUEST: Uint8Array = encodeCertificateRequest({
  types: Uint8Array.of(ClientCertificateType.ecdsa_sign, ClientCertificateType.rsa_sign),
  schemes: SCHEME_IDS,
});
