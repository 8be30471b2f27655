/**
 * OpenSSL over a UDP proxy that harms the handshake. Many at a time: most of it is waiting for
 * timers.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SrtpProfile } from "../../core/base/mod.ts";
import { DtlsEndpoint } from "../../core/session/webrtc/dtls/mod.ts";
import { nodeCrypto } from "../../runtime/common/crypto.ts";
import { lengthenChain, makeCertificate, type TestCertificate } from "../certificate.ts";
import { damage, everyRecord } from "../core/session/webrtc/dtls/damage.ts";
import type { Script } from "../sim/network.ts";
import { keyingMaterial, openLoopbackUdp, UdpPeer } from "./dtls_udp.ts";
import { badNetwork, LossyUdp } from "./lossy_udp.ts";
import { Openssl } from "./openssl.ts";

const p256 = await makeCertificate("p256");
const long = await lengthenChain(p256, 8000);
const profiles: readonly SrtpProfile[] = ["SRTP_AEAD_AES_128_GCM"];
const cookie = { secret: new Uint8Array(32).fill(7), address: Uint8Array.of(127, 0, 0, 1) };
/** Handshakes at a time. */
const AT_ONCE = 15;

interface Setting {
  readonly name: string;
  readonly role: "client" | "server";
  readonly script: Script;
  readonly own: TestCertificate;
  readonly theirs: TestCertificate;
  readonly mtu: number;
}

/** One handshake; how many datagrams were lost. */
async function handshake(setting: Setting): Promise<number> {
  const { role, own, theirs, mtu, script } = setting;
  const endpoint = new DtlsEndpoint({
    role,
    crypto: nodeCrypto,
    certificate: { chain: own.chain, key: nodeCrypto.privateKey(own.pkcs8) },
    peerFingerprints: [
      { algorithm: "sha-256", digest: nodeCrypto.hash("sha256", theirs.chain[0]!) },
    ],
    srtpProfiles: profiles,
    reliable: false,
    mtu,
    ...(role === "server" ? { cookie } : {}),
  });
  const socket = await openLoopbackUdp();
  const extra = ["-mtu", String(mtu)];
  const options = { certificate: theirs, profiles, extra };
  let proxy: LossyUdp | undefined;
  let openssl: Openssl | undefined;
  let peer: UdpPeer | undefined;
  try {
    if (role === "server") {
      proxy = await LossyUdp.open(socket.address().port, script);
      peer = new UdpPeer(endpoint, socket);
      openssl = new Openssl(["s_client", "-connect", `127.0.0.1:${proxy.port}`], options);
    } else {
      openssl = new Openssl(["s_server", "-accept", "127.0.0.1:0", "-Verify", "5"], options);
      proxy = await LossyUdp.open(await openssl.acceptPort(), script);
      peer = new UdpPeer(endpoint, socket, proxy.port);
      peer.start();
    }
    const event = await peer.event("connected");
    assert.equal(keyingMaterial(role, event), await openssl.keyingMaterial());
    return proxy.lost;
  } finally {
    await peer?.close();
    await openssl?.stop();
    proxy?.close();
  }
}

async function runAll(settings: readonly Setting[]): Promise<number> {
  const left = [...settings];
  let lost = 0;
  const failures: string[] = [];
  const work = async (): Promise<void> => {
    for (let setting = left.shift(); setting !== undefined; setting = left.shift()) {
      try {
        lost += await handshake(setting);
      } catch (error) {
        failures.push(`${setting.name}: ${error instanceof Error ? error.message : error}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assert.deepEqual(failures, []);
  return lost;
}

for (const role of ["server", "client"] as const) {
  describe(`we are the ${role}, OpenSSL is the other one`, () => {
    for (const kind of ["dropped", "dropped twice", "doubled", "late"] as const) {
      test(`each message of each flight ${kind}`, async () => {
        const settings = everyRecord.map(([side, name], index) => ({
          name: `${name} of ${side}`,
          role,
          script: damage(index, kind),
          own: p256,
          theirs: p256,
          mtu: 1200,
        }));
        await runAll(settings);
      });
    }

    test("chains of 8 KB at an MTU of 256, a twentieth lost, doubled and late", async () => {
      const settings = [1, 2, 3, 4].map((seed) => ({
        name: `seed ${seed}`,
        role,
        script: badNetwork(seed, 0.05, 0.05, 0.05),
        own: long,
        theirs: long,
        mtu: 256,
      }));
      assert.ok((await runAll(settings)) > 0);
    });
  });
}
