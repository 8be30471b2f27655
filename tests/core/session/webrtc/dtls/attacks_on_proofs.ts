/**
 * Attacks on who the peer is and on what he has to prove; the first eleven are those that werift
 * accepts.
 *
 * @module
 */

import type { CryptoProvider, PublicKey } from "../../../../../core/base/mod.ts";
import type { Fingerprint } from "../../../../../core/session/webrtc/dtls/mod.ts";
import { encodeCertificate, HandshakeType } from "../../../../../core/wire/dtls/mod.ts";
import { nodeCrypto } from "../../../../../runtime/common/crypto.ts";
import { makeCertificate } from "../../../../certificate.ts";
import { type Attack, flip, mallory, putAt } from "./attack.ts";
import {
  cryptoWithWrong,
  keyThatSigns,
  replaceBody,
  replaceMessage,
  Spy,
  unprotect,
} from "./attacker.ts";
import { alice, bob, cryptoWith, identityOf } from "./peers.ts";

const rsa = identityOf(await makeCertificate("rsa2048"));
const garbage = new Uint8Array(70).fill(0x30);
const clientFinished = new Spy();
const serverFinished = new Spy();

export const attacksOnProofs: readonly Attack[] = [
  // What werift accepts.
  {
    name: "a client that shows a victim's certificate and signs with another key",
    victim: "server",
    fault: "signature-wrong",
    alert: "decrypt_error",
    client: { certificate: { chain: alice.certificate.chain, key: mallory.certificate.key } },
  },
  {
    name: "a CertificateVerify of garbage",
    victim: "server",
    fault: "signature-wrong",
    alert: "decrypt_error",
    client: {
      certificate: { chain: alice.certificate.chain, key: keyThatSigns("ec", () => garbage) },
    },
  },
  {
    name: "a CertificateVerify without a signature",
    victim: "server",
    fault: "signature-wrong",
    alert: "decrypt_error",
    client: {
      certificate: {
        chain: alice.certificate.chain,
        key: keyThatSigns("ec", () => new Uint8Array(0)),
      },
    },
  },
  {
    name: "a CertificateVerify over something else",
    victim: "server",
    fault: "signature-wrong",
    alert: "decrypt_error",
    client: {
      certificate: {
        chain: alice.certificate.chain,
        key: keyThatSigns("ec", () => alice.certificate.key.sign("ecdsa", "sha256", garbage)),
      },
    },
  },
  {
    name: "a wrong Finished of the client",
    victim: "server",
    fault: "finished-wrong",
    alert: "decrypt_error",
    client: { crypto: cryptoWithWrong("client finished") },
  },
  {
    name: "a Finished of the client in epoch 0",
    victim: "server",
    fault: "message-in-wrong-epoch",
    alert: "unexpected_message",
    client: { crypto: clientFinished.crypto },
    tamper: unprotect("client", clientFinished),
  },
  {
    name: "a server that shows a victim's certificate and signs ServerKeyExchange with another key",
    victim: "client",
    fault: "signature-wrong",
    alert: "decrypt_error",
    server: { certificate: { chain: bob.certificate.chain, key: mallory.certificate.key } },
  },
  {
    name: "a ServerKeyExchange signed over other randoms",
    victim: "client",
    fault: "signature-wrong",
    alert: "decrypt_error",
    tamper: replaceBody("server", HandshakeType.server_hello, (body) => flip(body, 10)),
  },
  {
    name: "a ServerKeyExchange with another key put in",
    victim: "client",
    fault: "signature-wrong",
    alert: "decrypt_error",
    tamper: replaceBody("server", HandshakeType.server_key_exchange, (body) => flip(body, 12)),
  },
  {
    name: "a wrong Finished of the server",
    victim: "client",
    fault: "finished-wrong",
    alert: "decrypt_error",
    server: { crypto: cryptoWithWrong("server finished") },
  },
  {
    name: "a Finished of the server in epoch 0",
    victim: "client",
    fault: "message-in-wrong-epoch",
    alert: "unexpected_message",
    server: { crypto: serverFinished.crypto },
    tamper: unprotect("server", serverFinished),
  },
  // Who it is.
  {
    name: "a client whose certificate the signalling did not name",
    victim: "server",
    fault: "fingerprint-mismatch",
    alert: "bad_certificate",
    client: { certificate: mallory.certificate },
  },
  {
    name: "a server whose certificate the signalling did not name",
    victim: "client",
    fault: "fingerprint-mismatch",
    alert: "bad_certificate",
    server: { certificate: mallory.certificate },
  },
  {
    name: "a certificate named only second in the chain",
    victim: "server",
    fault: "fingerprint-mismatch",
    alert: "bad_certificate",
    client: {
      certificate: {
        chain: [...mallory.certificate.chain, ...alice.certificate.chain],
        key: mallory.certificate.key,
      },
    },
  },
  {
    name: "a signalling without any fingerprint",
    victim: "server",
    fault: "fingerprint-mismatch",
    alert: "bad_certificate",
    server: { peerFingerprints: [] },
  },
  {
    name: "only a SHA-1 and an MD5 fingerprint, both right",
    victim: "server",
    fault: "fingerprint-mismatch",
    alert: "bad_certificate",
    server: {
      peerFingerprints: [fingerprint(alice, "sha-1", "sha1"), fingerprint(alice, "md5", "md5")],
    },
  },
  {
    name: "a right SHA-256 beside a wrong SHA-512",
    victim: "server",
    fault: "fingerprint-mismatch",
    alert: "bad_certificate",
    server: {
      peerFingerprints: [alice.fingerprint, fingerprint(mallory, "sha-512", "sha512")],
    },
  },
  {
    name: "an empty certificate list",
    victim: "server",
    fault: "no-certificate",
    alert: "handshake_failure",
    client: { certificate: { chain: [], key: alice.certificate.key } },
  },
  {
    name: "no Certificate at all",
    victim: "server",
    fault: "unexpected-message",
    alert: "unexpected_message",
    tamper: replaceMessage("client", HandshakeType.certificate, (message) => [
      { ...message, type: HandshakeType.client_key_exchange },
    ]),
  },
  {
    name: "a Certificate of garbage, with the right fingerprint",
    victim: "server",
    fault: "certificate-unreadable",
    alert: "bad_certificate",
    client: { certificate: { chain: [garbage], key: alice.certificate.key } },
    server: {
      peerFingerprints: [{ algorithm: "sha-256", digest: nodeCrypto.hash("sha256", garbage) }],
    },
  },
  {
    name: "a Certificate message cut short",
    victim: "server",
    fault: "certificate-malformed",
    alert: "decode_error",
    tamper: replaceBody("client", HandshakeType.certificate, (body) => body.slice(0, -1)),
  },
  {
    name: "a certificate with a P-521 key",
    victim: "server",
    fault: "certificate-key-not-supported",
    alert: "unsupported_certificate",
    server: { crypto: withKey({ type: "ec", curve: "secp521r1" }) },
  },
  ...[1024, 2047, 4097, 16_384].map(
    (bits): Attack => ({
      name: `an RSA key of ${bits} bits`,
      victim: "server",
      fault: "certificate-key-not-supported",
      alert: "unsupported_certificate",
      server: { crypto: withKey({ type: "rsa", modulusBits: bits }) },
    }),
  ),
  {
    name: "an RSA certificate under an ECDSA suite",
    victim: "client",
    fault: "certificate-key-not-supported",
    alert: "unsupported_certificate",
    client: { peerFingerprints: [rsa.fingerprint] },
    tamper: replaceBody("server", HandshakeType.certificate, () =>
      encodeCertificate(rsa.certificate.chain),
    ),
  },
  {
    name: "an ECDSA scheme with an RSA key",
    victim: "server",
    fault: "signature-scheme-not-offered",
    alert: "illegal_parameter",
    client: { certificate: { chain: rsa.certificate.chain, key: alice.certificate.key } },
    server: { peerFingerprints: [rsa.fingerprint] },
  },
  {
    name: "a CertificateVerify with SHA-1",
    victim: "server",
    fault: "signature-scheme-not-offered",
    alert: "illegal_parameter",
    tamper: replaceBody("client", HandshakeType.certificate_verify, (body) =>
      putAt(body, 0, 0x0203),
    ),
  },
];

function fingerprint(
  identity: typeof alice,
  algorithm: string,
  hash: "sha512" | "sha1" | "md5",
): Fingerprint {
  return { algorithm, digest: nodeCrypto.hash(hash, identity.certificate.chain[0]!) };
}

/** A provider that finds this key in every certificate. */
function withKey(key: Omit<PublicKey, "verify">): CryptoProvider {
  return cryptoWith({ certificateKey: () => ({ ...key, verify: () => true }) });
}
