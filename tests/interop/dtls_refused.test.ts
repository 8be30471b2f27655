/**
 * What OpenSSL hears when our server does not want it. All at once: over UDP a refusal takes 3 s.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DtlsEndpoint, type DtlsOptions } from "../../core/session/webrtc/dtls/mod.ts";
import { nodeCrypto } from "../../runtime/common/crypto.ts";
import { makeCertificate } from "../certificate.ts";
import { openLoopbackUdp, UdpPeer } from "./dtls_udp.ts";
import { Openssl, type OpensslOptions } from "./openssl.ts";

const p256 = await makeCertificate("p256");
const p384 = await makeCertificate("p384");
const good: OpensslOptions = { certificate: p256, profiles: ["SRTP_AEAD_AES_128_GCM"] };

interface Case {
  readonly name: string;
  readonly openssl: OpensslOptions;
  /** As s_client prints it. */
  readonly hears: RegExp;
  readonly fault: string;
}

const cases: readonly Case[] = [
  {
    name: "no certificate",
    openssl: { profiles: ["SRTP_AEAD_AES_128_GCM"] },
    hears: /alert handshake failure/,
    fault: "no-certificate",
  },
  {
    name: "a certificate the signalling did not name",
    openssl: { ...good, certificate: p384 },
    hears: /alert bad certificate/,
    fault: "fingerprint-mismatch",
  },
  {
    name: "no SRTP",
    openssl: { certificate: p256 },
    hears: /alert handshake failure/,
    fault: "no-common-srtp-profile",
  },
  {
    name: "no SRTP profile of ours",
    openssl: { ...good, profiles: ["SRTP_AEAD_AES_256_GCM"] },
    hears: /alert handshake failure/,
    fault: "no-common-srtp-profile",
  },
  {
    name: "only CBC suites",
    openssl: { ...good, extra: ["-cipher", "ECDHE-ECDSA-AES128-SHA"] },
    hears: /alert handshake failure/,
    fault: "no-common-cipher-suite",
  },
  {
    name: "only groups we do not have",
    openssl: { ...good, extra: ["-curves", "P-521"] },
    hears: /alert handshake failure/,
    fault: "no-common-group",
  },
];

async function start(openssl: OpensslOptions): Promise<{ peer: UdpPeer; client: Openssl }> {
  const options: DtlsOptions = {
    role: "server",
    crypto: nodeCrypto,
    certificate: { chain: p256.chain, key: nodeCrypto.privateKey(p256.pkcs8) },
    peerFingerprints: [{ algorithm: "sha-256", digest: nodeCrypto.hash("sha256", p256.chain[0]!) }],
    srtpProfiles: ["SRTP_AEAD_AES_128_GCM"],
    reliable: false,
  };
  const peer = new UdpPeer(new DtlsEndpoint(options), await openLoopbackUdp());
  const client = new Openssl(["s_client", "-connect", `127.0.0.1:${peer.port}`], openssl);
  return { peer, client };
}

describe("our server refuses an s_client", { concurrency: true }, () => {
  for (const each of cases) {
    test(`with ${each.name}`, async () => {
      const { peer, client } = await start(each.openssl);
      try {
        const event = await peer.event("failed");
        assert.equal(event.fault.code, each.fault);
        await client.prints(each.hears);
      } finally {
        await client.stop();
        await peer.close();
      }
    });
  }
});

test("what s_client types is counted and dropped", async () => {
  const { peer, client } = await start(good);
  try {
    await peer.event("connected");
    await client.keyingMaterial();
    client.type("hello\n");
    const { counters } = peer.endpoint;
    for (let i = 0; i < 1500 && counters.applicationRecords === 0; i++) await sleep(20);
    assert.equal(counters.applicationRecords, 1);
    assert.ok(peer.endpoint.connected);
  } finally {
    await client.stop();
    await peer.close();
  }
});
