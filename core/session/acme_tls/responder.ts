/**
 * The server side of TLS 1.2 as far as a CA goes that validates a domain (RFC 8737 §3): a handshake
 * that shows a certificate and agrees on acme-tls/1, then nothing. Ours, because the TLS of Deno
 * refuses to show a certificate with a critical extension it does not know, which acmeIdentifier is.
 *
 * ```
 *  CA                                           we
 *  ClientHello                             ->
 *                                          <-   ServerHello, Certificate, ServerKeyExchange,
 *                                               ServerHelloDone
 *  ClientKeyExchange, CCS, Finished        ->
 *                                          <-   CCS, Finished
 * ```
 *
 * ECDHE_ECDSA with AES-GCM alone (RFC 5289). Records: type (1) | version (2) | length (2) | fragment.
 *
 * @module
 */
import type { CryptoProvider, EcdhKey } from "../../base/mod.ts";
import { isFault } from "../../base/mod.ts";
import { concat, putU16, putU24, u8, u16, u24 } from "../../bytes/mod.ts";
import {
  AlertDescription,
  AlertLevel,
  ContentType,
  decodeClientKeyExchange,
  encodeCertificate,
  encodeServerEcdhParams,
  encodeServerHello,
  encodeServerKeyExchange,
  HandshakeType,
} from "../../wire/dtls/mod.ts";
import { type RecordKeys, Secrets } from "../webrtc/dtls/secrets.ts";
import { signWith } from "../webrtc/dtls/signature.ts";
import { type Agreed, answerHello, TLS_1_2 } from "./hello.ts";
import { openRecord, sealRecord } from "./record.ts";

/** All that a client sends in a handshake; Go's sends some 400 bytes. */
export const INPUT_MAX_BYTES: number = 20 * 1024;
const RECORD_MAX_BYTES = 16 * 1024 + 256;
const NOTHING = new Uint8Array(0);

export interface ValidationCertificate {
  /** DER. */
  readonly certificate: Uint8Array;
  /** PKCS #8 DER of its P-256 key. */
  readonly pkcs8: Uint8Array;
}

type State = "hello" | "key-exchange" | "change-cipher-spec" | "finished" | "done" | "failed";

export class ValidationResponder {
  readonly #crypto: CryptoProvider;
  readonly #shown: ValidationCertificate;
  #state: State = "hello";
  #left: Uint8Array = NOTHING;
  #taken = 0;
  readonly #out: Uint8Array[] = [];
  /** Handshake messages so far, with their headers. */
  #transcript: Uint8Array = NOTHING;
  /** Of the client's messages, those that are not whole yet. */
  #message: Uint8Array = NOTHING;
  #agreed: Agreed | undefined;
  #serverRandom: Uint8Array = NOTHING;
  #ecdh: EcdhKey | undefined;
  #secrets: Secrets | undefined;
  #keys: RecordKeys | undefined;

  constructor(crypto: CryptoProvider, shown: ValidationCertificate) {
    this.#crypto = crypto;
    this.#shown = shown;
  }

  /** The handshake is over: what `pollTransmit` has is the last. */
  get over(): "done" | "failed" | undefined {
    return this.#state === "done" || this.#state === "failed" ? this.#state : undefined;
  }

  handleInput(bytes: Uint8Array): void {
    if (this.over !== undefined) return;
    this.#taken += bytes.length;
    if (this.#taken > INPUT_MAX_BYTES) {
      this.#fail(AlertDescription.unexpected_message);
      return;
    }
    this.#left = concat([this.#left, bytes]);
    let at = 0;
    while (this.over === undefined && this.#left.length - at >= 5) {
      const size = u16(this.#left, at + 3);
      if (size === 0 || size > RECORD_MAX_BYTES || u8(this.#left, at + 1) !== TLS_1_2 >>> 8) {
        this.#fail(AlertDescription.decode_error);
        return;
      }
      if (this.#left.length - at < 5 + size) break;
      this.#handleRecord(u8(this.#left, at), this.#left.subarray(at + 5, at + 5 + size));
      at += 5 + size;
    }
    this.#left = this.#left.slice(at);
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#out.shift();
  }

  #handleRecord(type: number, fragment: Uint8Array): void {
    if (this.#state === "finished" && type === ContentType.handshake) {
      const plain = openRecord(this.#keys?.client, 0, type, fragment);
      if (plain === undefined) this.#fail(AlertDescription.bad_record_mac);
      else this.#handleFinished(plain);
    } else if (this.#state === "change-cipher-spec" && type === ContentType.change_cipher_spec) {
      if (fragment.length === 1 && u8(fragment, 0) === 1) this.#state = "finished";
      else this.#fail(AlertDescription.decode_error);
    } else if (type === ContentType.alert) {
      // The CA gives up, or is content with what it has seen.
      this.#state = "failed";
    } else if (
      type === ContentType.handshake &&
      (this.#state === "hello" || this.#state === "key-exchange")
    ) {
      this.#handleHandshake(fragment);
    } else this.#fail(AlertDescription.unexpected_message);
  }

  #handleHandshake(fragment: Uint8Array): void {
    const all = concat([this.#message, fragment]);
    this.#message = all;
    if (all.length < 4 || all.length < 4 + u24(all, 1)) return;
    const size = 4 + u24(all, 1);
    // Nothing may follow in a flight until we have answered, or keys change.
    if (all.length > size) {
      this.#fail(AlertDescription.unexpected_message);
      return;
    }
    this.#message = NOTHING;
    const [type, body] = [u8(all, 0), all.subarray(4)];
    this.#transcript = concat([this.#transcript, all]);
    if (this.#state === "hello" && type === HandshakeType.client_hello) this.#handleHello(body);
    else if (this.#state === "key-exchange" && type === HandshakeType.client_key_exchange)
      this.#handleKeyExchange(body);
    else this.#fail(AlertDescription.unexpected_message);
  }

  #handleHello(body: Uint8Array): void {
    const agreed = answerHello(body);
    if (typeof agreed === "number") {
      this.#fail(agreed);
      return;
    }
    this.#agreed = agreed;
    this.#serverRandom = this.#crypto.random(32);
    this.#ecdh = this.#crypto.ecdh(agreed.group.name);
    const publicKey = this.#ecdh.publicKey;
    const params = encodeServerEcdhParams({ group: agreed.group.id, publicKey });
    const key = this.#crypto.privateKey(this.#shown.pkcs8);
    const signed = signWith(
      key,
      agreed.schemes,
      concat([agreed.clientRandom, this.#serverRandom, params]),
    );
    if (!("scheme" in signed)) {
      this.#fail(AlertDescription.handshake_failure);
      return;
    }
    const hello = encodeServerHello({
      version: TLS_1_2,
      random: this.#serverRandom,
      sessionId: NOTHING,
      cipherSuite: agreed.suite.id,
      compressionMethod: 0,
      extensions: agreed.extensions,
    });
    const flight = concat([
      handshake(HandshakeType.server_hello, hello),
      handshake(HandshakeType.certificate, encodeCertificate([this.#shown.certificate])),
      handshake(HandshakeType.server_key_exchange, encodeServerKeyExchange(params, signed)),
      handshake(HandshakeType.server_hello_done, NOTHING),
    ]);
    this.#transcript = concat([this.#transcript, flight]);
    this.#send(ContentType.handshake, flight);
    this.#state = "key-exchange";
  }

  #handleKeyExchange(body: Uint8Array): void {
    const agreed = this.#agreed;
    const peer = decodeClientKeyExchange(body);
    const premaster = isFault(peer) ? undefined : this.#ecdh?.derive(peer);
    if (premaster === undefined || agreed === undefined) {
      this.#fail(AlertDescription.illegal_parameter);
      return;
    }
    const hash = this.#crypto.hash(agreed.suite.hash, this.#transcript);
    this.#secrets = new Secrets(
      this.#crypto,
      agreed.suite,
      agreed.clientRandom,
      this.#serverRandom,
      premaster,
      agreed.extendedMasterSecret ? hash : undefined,
    );
    this.#keys = this.#secrets.recordKeys();
    this.#state = "change-cipher-spec";
  }

  #handleFinished(message: Uint8Array): void {
    const [agreed, secrets, keys] = [this.#agreed, this.#secrets, this.#keys];
    if (agreed === undefined || secrets === undefined || keys === undefined) return;
    const expected = secrets.verifyData("client", this.#hash(agreed));
    const whole = handshake(HandshakeType.finished, expected);
    if (!this.#crypto.equal(whole, message)) {
      this.#fail(AlertDescription.decrypt_error);
      return;
    }
    this.#transcript = concat([this.#transcript, message]);
    const finished = handshake(
      HandshakeType.finished,
      secrets.verifyData("server", this.#hash(agreed)),
    );
    this.#send(ContentType.change_cipher_spec, Uint8Array.of(1));
    const type = ContentType.handshake;
    this.#send(type, sealRecord(keys.server, 0, type, finished));
    secrets.erase();
    this.#state = "done";
  }

  #hash(agreed: Agreed): Uint8Array {
    return this.#crypto.hash(agreed.suite.hash, this.#transcript);
  }

  #fail(description: number): void {
    this.#send(ContentType.alert, Uint8Array.of(AlertLevel.fatal, description));
    this.#state = "failed";
  }

  #send(type: number, fragment: Uint8Array): void {
    const record = new Uint8Array(5 + fragment.length);
    record[0] = type;
    putU16(record, 1, TLS_1_2);
    putU16(record, 3, fragment.length);
    record.set(fragment, 5);
    this.#out.push(record);
  }
}

/** A message with its header: type (1) | length (3) | body. */
function handshake(type: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + body.length);
  out[0] = type;
  putU24(out, 1, body.length);
  out.set(body, 4);
  return out;
}
