import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SrtpProfile } from "../../core/base/mod.ts";
import { DtlsEndpoint, type DtlsOptions } from "../../core/session/webrtc/dtls/mod.ts";
import { nodeCrypto } from "../../runtime/common/crypto.ts";
import { lengthenChain, makeCertificate, type TestCertificate } from "../certificate.ts";
import { keyingMaterial, openLoopbackUdp, UdpPeer } from "./dtls_udp.ts";
import { Openssl, type OpensslOptions } from "./openssl.ts";

const p256 = await makeCertificate("p256");
const p384 = await makeCertificate("p384");
const rsa2048 = await makeCertificate("rsa2048");
const rsa4096 = await makeCertificate("rsa4096");
const longChain = await lengthenChain(p256, 8500);
const all: readonly SrtpProfile[] = [
  "SRTP_AES128_CM_HMAC_SHA1_80",
  "SRTP_AEAD_AES_128_GCM",
  "SRTP_AEAD_AES_256_GCM",
];

interface Case {
  readonly name: string;
  readonly own: TestCertificate;
  readonly theirs: TestCertificate;
  readonly ours?: Partial<DtlsOptions>;
  readonly openssl?: OpensslOptions;
  /** Of the IANA registry. */
  readonly suite?: number;
}

const shared: readonly Case[] = [
  { name: "P-256 on both sides", own: p256, theirs: p256 },
  { name: "P-384 on both sides", own: p384, theirs: p384 },
  { name: "RSA-2048 on both sides", own: rsa2048, theirs: rsa2048 },
  { name: "RSA-4096 on both sides", own: rsa4096, theirs: rsa4096 },
  {
    name: "PKCS #1 signatures where the peer has no PSS",
    own: rsa2048,
    theirs: rsa2048,
    openssl: { extra: ["-sigalgs", "RSA+SHA256:RSA+SHA384"] },
  },
  {
    name: "only X25519",
    own: rsa2048,
    theirs: rsa2048,
    openssl: { extra: ["-curves", "X25519"] },
  },
  { name: "only P-256", own: p256, theirs: p256, openssl: { extra: ["-curves", "P-256"] } },
  { name: "only P-384", own: p384, theirs: p384, openssl: { extra: ["-curves", "P-384"] } },
  {
    name: "AES-128 with ECDSA",
    own: p256,
    theirs: p256,
    openssl: { extra: ["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"] },
    suite: 0xc02b,
  },
  {
    name: "AES-256 with ECDSA",
    own: p256,
    theirs: p256,
    openssl: { extra: ["-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"] },
    suite: 0xc02c,
  },
  {
    name: "AES-128 with RSA",
    own: rsa2048,
    theirs: rsa2048,
    openssl: { extra: ["-cipher", "ECDHE-RSA-AES128-GCM-SHA256"] },
    suite: 0xc02f,
  },
  {
    name: "AES-256 with RSA",
    own: rsa2048,
    theirs: rsa2048,
    openssl: { extra: ["-cipher", "ECDHE-RSA-AES256-GCM-SHA384"] },
    suite: 0xc030,
  },
  ...all.map((profile) => ({
    name: `profile ${profile}`,
    own: p256,
    theirs: p256,
    ours: { srtpProfiles: all },
    openssl: { profiles: [profile] },
  })),
  { name: "our chain of 8 KB at an MTU of 256", own: longChain, theirs: p256, ours: { mtu: 256 } },
  { name: "our chain of 8 KB at an MTU of 1200", own: longChain, theirs: p256 },
  {
    name: "their chain of 8 KB at an MTU of 256",
    own: p256,
    theirs: longChain,
    openssl: { extra: ["-mtu", "256"] },
  },
  {
    name: "their chain of 8 KB at an MTU of 1200",
    own: p256,
    theirs: longChain,
    openssl: { extra: ["-mtu", "1200"] },
  },
];

function endpointOf(role: "client" | "server", each: Case): DtlsEndpoint {
  return new DtlsEndpoint({
    role,
    crypto: nodeCrypto,
    certificate: { chain: each.own.chain, key: nodeCrypto.privateKey(each.own.pkcs8) },
    peerFingerprints: [
      { algorithm: "sha-256", digest: nodeCrypto.hash("sha256", each.theirs.chain[0]!) },
    ],
    srtpProfiles: ["SRTP_AEAD_AES_128_GCM"],
    reliable: false,
    ...each.ours,
  });
}

function opensslOf(each: Case): OpensslOptions {
  const profiles: readonly SrtpProfile[] = ["SRTP_AEAD_AES_128_GCM"];
  return { certificate: each.theirs, profiles, ...each.openssl };
}

async function check(role: "client" | "server", peer: UdpPeer, openssl: Openssl, each: Case) {
  const event = await peer.event("connected");
  assert.equal(keyingMaterial(role, event), await openssl.keyingMaterial());
  assert.equal(event.profile, each.openssl?.profiles?.[0] ?? "SRTP_AEAD_AES_128_GCM");
  if (each.suite !== undefined) assert.equal(event.cipherSuite, each.suite);
  assert.equal(event.extendedMasterSecret, true);
  assert.ok(peer.largestSent <= (each.ours?.mtu ?? 1200), `${peer.largestSent} bytes`);
}

describe("our server and OpenSSL's s_client", () => {
  const cookie = { secret: new Uint8Array(32).fill(7), address: Uint8Array.of(127, 0, 0, 1) };
  const cases: readonly Case[] = [
    ...shared,
    { name: "a cookie", own: p256, theirs: p256, ours: { cookie } },
    { name: "a cookie and an 8 KB chain", own: longChain, theirs: p256, ours: { cookie } },
  ];
  for (const each of cases) {
    test(each.name, async () => {
      const peer = new UdpPeer(endpointOf("server", each), await openLoopbackUdp());
      const command = ["s_client", "-connect", `127.0.0.1:${peer.port}`];
      const openssl = new Openssl(command, opensslOf(each));
      try {
        await check("server", peer, openssl, each);
        openssl.type("Q\n");
        await peer.event("closed");
      } finally {
        await openssl.stop();
        await peer.close();
      }
    });
  }
});

describe("our client and OpenSSL's s_server", () => {
  for (const each of shared) {
    test(each.name, async () => {
      const command = ["s_server", "-accept", "127.0.0.1:0", "-Verify", "5"];
      const openssl = new Openssl(command, opensslOf(each));
      const socket = await openLoopbackUdp();
      let peer: UdpPeer | undefined;
      try {
        peer = new UdpPeer(endpointOf("client", each), socket, await openssl.acceptPort());
        peer.start();
        await check("client", peer, openssl, each);
      } finally {
        await peer?.close();
        await openssl.stop();
      }
    });
  }
});
