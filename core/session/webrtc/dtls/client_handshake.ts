import { isFault } from "../../../base/mod.ts";
import {
  DTLS_1_0,
  DTLS_1_2,
  decodeCertificate,
  decodeCertificateRequest,
  decodeHelloVerifyRequest,
  decodeServerHello,
  decodeServerKeyExchange,
  encodeCertificate,
  encodeClientHello,
  encodeClientKeyExchange,
  encodeDigitallySigned,
  type HandshakeMessage,
  HandshakeType,
  type ServerKeyExchange,
} from "../../../wire/dtls/mod.ts";
import { acceptServerHello, clientExtensions } from "./client_hello.ts";
import {
  Exchange,
  type ExchangeOptions,
  type Handshake,
  isRefusal,
  NOTHING,
  type Step,
} from "./exchange.ts";
import { type Flight, type FlightItem, plain } from "./flight.ts";
import { GROUPS } from "./group.ts";
import { identifyPeer } from "./identity.ts";
import {
  KEY_NOT_SUPPORTED,
  malformed,
  NOT_OFFERED,
  type Refusal,
  TOO_MANY_COOKIES,
  UNEXPECTED_MESSAGE,
  VERSION_NOT_SUPPORTED,
} from "./refusal.ts";
import { checkSignature, signWith } from "./signature.ts";
import { SUITES } from "./suite.ts";

/** HelloVerifyRequests that are answered before the server is taken for broken. */
const MAX_COOKIES = 4;

/**
 * The client's side (RFC 5246 §7.3):
 *
 *   ClientHello        ->
 *                      <-   HelloVerifyRequest: the ClientHello again, with the cookie
 *                      <-   ServerHello, Certificate, ServerKeyExchange, [CertificateRequest], ServerHelloDone
 *   [Certificate], ClientKeyExchange, [CertificateVerify], [ChangeCipherSpec], Finished  ->
 *                      <-   [ChangeCipherSpec], Finished
 */
export class ClientHandshake implements Handshake {
  readonly #exchange: Exchange;
  readonly #random: Uint8Array;
  #expects: readonly number[] = [HandshakeType.hello_verify_request, HandshakeType.server_hello];
  #cookies = 0;
  #keyExchange: ServerKeyExchange | undefined;
  /** What the server lets us sign with; undefined when it did not ask for a certificate. */
  #schemes: readonly number[] | undefined;

  constructor(options: ExchangeOptions) {
    this.#exchange = new Exchange(options);
    this.#random = options.crypto.random(32);
  }

  /** The first flight. */
  start(): Flight {
    return this.#hello(new Uint8Array(0));
  }

  handleMessage(message: HandshakeMessage): Step | Refusal {
    if (!this.#expects.includes(message.type)) return UNEXPECTED_MESSAGE;
    switch (message.type) {
      case HandshakeType.hello_verify_request:
        return this.#handleHelloVerifyRequest(message);
      case HandshakeType.server_hello:
        return this.#handleServerHello(message);
      case HandshakeType.certificate:
        return this.#handleCertificate(message);
      case HandshakeType.server_key_exchange:
        return this.#handleServerKeyExchange(message);
      case HandshakeType.certificate_request:
        return this.#handleCertificateRequest(message);
      case HandshakeType.server_hello_done:
        return this.#handleServerHelloDone(message);
      default:
        return this.#handleFinished(message);
    }
  }

  /**
   * A ClientHello begins the transcript anew: a first one without cookie is not in it (RFC 6347
   * §4.2.1).
   */
  #hello(cookie: Uint8Array): Flight {
    this.#exchange.forgetTranscript();
    const body = encodeClientHello({
      version: DTLS_1_2,
      random: this.#random,
      sessionId: new Uint8Array(0),
      cookie,
      cipherSuites: SUITES.map((suite) => suite.id),
      compressionMethods: Uint8Array.of(0),
      extensions: clientExtensions(this.#exchange.options.srtpProfiles),
    });
    const message = this.#exchange.write(HandshakeType.client_hello, body);
    return { items: [plain(message)], awaitsReply: true };
  }

  #handleHelloVerifyRequest(message: HandshakeMessage): Step | Refusal {
    const request = decodeHelloVerifyRequest(message.body);
    if (isFault(request)) return malformed(request);
    if (request.version !== DTLS_1_0 && request.version !== DTLS_1_2) return VERSION_NOT_SUPPORTED;
    if (this.#cookies++ === MAX_COOKIES) return TOO_MANY_COOKIES;
    return { flight: this.#hello(request.cookie.slice()) };
  }

  #handleServerHello(message: HandshakeMessage): Step | Refusal {
    const hello = decodeServerHello(message.body);
    if (isFault(hello)) return malformed(hello);
    const accepted = acceptServerHello(hello, this.#exchange.options.srtpProfiles);
    if (isRefusal(accepted)) return accepted;
    this.#exchange.agree({
      ...accepted,
      clientRandom: this.#random,
      serverRandom: hello.random,
    });
    return this.#took(message, [HandshakeType.certificate]);
  }

  #handleCertificate(message: HandshakeMessage): Step | Refusal {
    const chain = decodeCertificate(message.body);
    if (isFault(chain)) return malformed(chain);
    const { crypto, peerFingerprints } = this.#exchange.options;
    const key = identifyPeer(crypto, chain, peerFingerprints);
    if (isRefusal(key)) return key;
    if (key.type !== this.#exchange.agreement?.suite.keyType) return KEY_NOT_SUPPORTED;
    this.#exchange.peerKey = key;
    return this.#took(message, [HandshakeType.server_key_exchange]);
  }

  #handleServerKeyExchange(message: HandshakeMessage): Step | Refusal {
    const keyExchange = decodeServerKeyExchange(message.body);
    if (isFault(keyExchange)) return malformed(keyExchange);
    const { peerKey } = this.#exchange;
    if (peerKey === undefined) return UNEXPECTED_MESSAGE;
    if (!GROUPS.some((group) => group.id === keyExchange.group)) return NOT_OFFERED;
    const data = this.#exchange.signedParams(keyExchange.params);
    const wrong = checkSignature(peerKey, keyExchange, data);
    if (wrong !== undefined) return wrong;
    this.#keyExchange = keyExchange;
    return this.#took(message, [
      HandshakeType.certificate_request,
      HandshakeType.server_hello_done,
    ]);
  }

  #handleCertificateRequest(message: HandshakeMessage): Step | Refusal {
    const request = decodeCertificateRequest(message.body);
    if (isFault(request)) return malformed(request);
    this.#schemes = request.schemes;
    return this.#took(message, [HandshakeType.server_hello_done]);
  }

  #handleServerHelloDone(message: HandshakeMessage): Step | Refusal {
    const exchange = this.#exchange;
    const { crypto, certificate } = exchange.options;
    const theirs = this.#keyExchange;
    const group = GROUPS.find((each) => each.id === theirs?.group);
    if (message.body.length > 0 || theirs === undefined || group === undefined) {
      return UNEXPECTED_MESSAGE;
    }
    exchange.record(message);
    const ecdh = crypto.ecdh(group.name);
    const items: FlightItem[] = [];
    const send = (type: number, body: Uint8Array): void => {
      items.push(plain(exchange.write(type, body)));
    };
    if (this.#schemes !== undefined) {
      send(HandshakeType.certificate, encodeCertificate(certificate.chain));
    }
    send(HandshakeType.client_key_exchange, encodeClientKeyExchange(ecdh.publicKey));
    const recordKeys = exchange.deriveSecrets(ecdh, theirs.publicKey);
    if (isRefusal(recordKeys)) return recordKeys;
    if (this.#schemes !== undefined) {
      const signed = signWith(certificate.key, this.#schemes, exchange.transcript());
      if (isRefusal(signed)) return signed;
      send(HandshakeType.certificate_verify, encodeDigitallySigned(signed));
    }
    items.push(...exchange.finish("client"));
    this.#expects = [HandshakeType.finished];
    return { flight: { items, awaitsReply: true }, recordKeys };
  }

  #handleFinished(message: HandshakeMessage): Step | Refusal {
    const wrong = this.#exchange.checkFinished("server", message);
    if (wrong !== undefined) return wrong;
    const established = this.#exchange.establish();
    if (isRefusal(established)) return established;
    this.#expects = [];
    return { established };
  }

  #took(message: HandshakeMessage, next: readonly number[]): Step {
    this.#exchange.record(message);
    this.#expects = next;
    return NOTHING;
  }
}
