/** Two endpoints for tests, and what joins them. @module */

import type { CryptoProvider, PrivateKey } from "../../../../../core/base/mod.ts";
import {
  DtlsEndpoint,
  type DtlsEvent,
  type DtlsOptions,
} from "../../../../../core/session/webrtc/dtls/mod.ts";
import { nodeCrypto } from "../../../../../runtime/common/crypto.ts";
import { makeCertificate, type TestCertificate } from "../../../../certificate.ts";

export interface Identity {
  readonly certificate: { readonly chain: readonly Uint8Array[]; readonly key: PrivateKey };
  readonly fingerprint: { readonly algorithm: string; readonly digest: Uint8Array };
}

/** A certificate ready for an endpoint, and what the signalling says about it. */
export function identityOf(certificate: TestCertificate): Identity {
  const { chain, pkcs8 } = certificate;
  const digest = nodeCrypto.hash("sha256", chain[0]!);
  return {
    certificate: { chain, key: nodeCrypto.privateKey(pkcs8) },
    fingerprint: { algorithm: "sha-256", digest },
  };
}

export const alice: Identity = identityOf(await makeCertificate("p256"));
export const bob: Identity = identityOf(await makeCertificate("p384"));

/** Options of a client that is Alice and of a server that is Bob, each knowing the other. */
export function optionsOf(
  role: "client" | "server",
  changes: Partial<DtlsOptions> = {},
): DtlsOptions {
  const own = role === "client" ? alice : bob;
  const peer = role === "client" ? bob : alice;
  return {
    role,
    crypto: nodeCrypto,
    certificate: own.certificate,
    peerFingerprints: [peer.fingerprint],
    srtpProfiles: ["SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_HMAC_SHA1_80"],
    reliable: true,
    ...changes,
  };
}

export interface Pair {
  readonly client: DtlsEndpoint;
  readonly server: DtlsEndpoint;
}

export function makePair(
  client: Partial<DtlsOptions> = {},
  server: Partial<DtlsOptions> = {},
): Pair {
  return {
    client: new DtlsEndpoint(optionsOf("client", client)),
    server: new DtlsEndpoint(optionsOf("server", server)),
  };
}

export function drainTransmits(endpoint: DtlsEndpoint): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let next = endpoint.pollTransmit(); next; next = endpoint.pollTransmit()) out.push(next);
  return out;
}

export function drainEvents(endpoint: DtlsEndpoint): DtlsEvent[] {
  const out: DtlsEvent[] = [];
  for (let next = endpoint.pollEvent(); next; next = endpoint.pollEvent()) out.push(next);
  return out;
}

/** What happens to a datagram on its way; nothing is done to it when this is missing. */
export type Tamper = (
  datagram: Uint8Array,
  from: "client" | "server",
) => readonly Uint8Array[] | undefined;

/** Carries datagrams to and fro, at one instant, until neither has anything to say. */
export function exchange(pair: Pair, now = 0, tamper?: Tamper): void {
  for (let round = 0; round < 100; round++) {
    const fromClient = drainTransmits(pair.client);
    const fromServer = drainTransmits(pair.server);
    if (fromClient.length + fromServer.length === 0) return;
    for (const datagram of fromClient) {
      for (const each of tamper?.(datagram, "client") ?? [datagram]) {
        pair.server.handleInput(each, now);
      }
    }
    for (const datagram of fromServer) {
      for (const each of tamper?.(datagram, "server") ?? [datagram]) {
        pair.client.handleInput(each, now);
      }
    }
  }
  throw new Error("the two never fell silent");
}

/** A provider that differs from the native one. */
export function cryptoWith(changes: Partial<CryptoProvider>): CryptoProvider {
  return { ...nodeCrypto, ...changes };
}
