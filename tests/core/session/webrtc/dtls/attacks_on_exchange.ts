/** Attacks on what is agreed, on keys and on the order of messages. @module */

import { isFault } from "../../../../../core/base/mod.ts";
import {
  type ClientHello,
  decodeClientHello,
  type Extension,
  ExtensionType,
  encodeClientHello,
  encodeClientKeyExchange,
  encodeU16List,
  HandshakeType,
} from "../../../../../core/wire/dtls/mod.ts";
import { type Attack, putAt } from "./attack.ts";
import { replaceBody, replaceMessage } from "./attacker.ts";
import type { Tamper } from "./peers.ts";

export const attacksOnExchange: readonly Attack[] = [
  // Man in the middle.
  {
    name: "a client's offer cut down to AES-256",
    victim: "server",
    fault: "signature-wrong",
    alert: "decrypt_error",
    tamper: helloWith((hello) => ({ ...hello, cipherSuites: [0xc02c, 0xc030] })),
  },
  {
    name: "extended master secret taken out of the ClientHello",
    victim: "server",
    fault: "signature-wrong",
    alert: "decrypt_error",
    tamper: helloWith((hello) => ({
      ...hello,
      extensions: withExtension(hello.extensions, ExtensionType.extended_master_secret),
    })),
  },
  {
    name: "an X25519 offer cut down to P-256",
    victim: "server",
    fault: "signature-wrong",
    alert: "decrypt_error",
    tamper: helloWith((hello) => ({
      ...hello,
      extensions: withExtension(
        hello.extensions,
        ExtensionType.supported_groups,
        encodeU16List([23]),
      ),
    })),
  },
  {
    name: "another cipher suite put into the ServerHello",
    victim: "server",
    fault: "signature-wrong",
    alert: "decrypt_error",
    tamper: replaceBody("server", HandshakeType.server_hello, (body) => putAt(body, 35, 0xc02c)),
  },
  // Keys.
  {
    name: "an X25519 key of small order",
    victim: "server",
    fault: "bad-ecdh-public-key",
    alert: "illegal_parameter",
    tamper: replaceBody("client", HandshakeType.client_key_exchange, () =>
      encodeClientKeyExchange(new Uint8Array(32)),
    ),
  },
  {
    name: "a key of a wrong length",
    victim: "server",
    fault: "bad-ecdh-public-key",
    alert: "illegal_parameter",
    tamper: replaceBody("client", HandshakeType.client_key_exchange, () =>
      encodeClientKeyExchange(new Uint8Array(31).fill(9)),
    ),
  },
  {
    name: "a group that was not offered",
    victim: "client",
    fault: "answer-not-offered",
    alert: "illegal_parameter",
    tamper: replaceBody("server", HandshakeType.server_key_exchange, (body) => putAt(body, 1, 25)),
  },
  // Order.
  {
    name: "ServerHelloDone instead of ServerKeyExchange",
    victim: "client",
    fault: "unexpected-message",
    alert: "unexpected_message",
    tamper: replaceMessage("server", HandshakeType.server_key_exchange, (message) => [
      { ...message, type: HandshakeType.server_hello_done, body: new Uint8Array(0) },
    ]),
  },
  {
    name: "a second ServerHello instead of a Certificate",
    victim: "client",
    fault: "unexpected-message",
    alert: "unexpected_message",
    tamper: replaceMessage("server", HandshakeType.certificate, (message) => [
      { ...message, type: HandshakeType.server_hello },
    ]),
  },
  {
    name: "something else in the place of CertificateVerify",
    victim: "server",
    fault: "unexpected-message",
    alert: "unexpected_message",
    tamper: replaceMessage("client", HandshakeType.certificate_verify, (message) => [
      { ...message, type: HandshakeType.client_key_exchange },
    ]),
  },
  {
    name: "a first message that is no ClientHello",
    victim: "server",
    fault: "unexpected-message",
    alert: "unexpected_message",
    tamper: replaceMessage("client", HandshakeType.client_hello, (message) => [
      { ...message, type: HandshakeType.certificate },
    ]),
  },
];

function helloWith(change: (hello: ClientHello) => ClientHello): Tamper {
  return replaceBody("client", HandshakeType.client_hello, (body) => {
    const hello = decodeClientHello(body);
    if (isFault(hello)) throw new Error(String(hello));
    return encodeClientHello(change(hello));
  });
}

function withExtension(
  extensions: readonly Extension[],
  type: number,
  data?: Uint8Array,
): Extension[] {
  const others = extensions.filter((extension) => extension.type !== type);
  return data === undefined ? others : [...others, { type, data }];
}
