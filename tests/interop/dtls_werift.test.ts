import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DtlsClient, DtlsServer, type DtlsSocket } from "werift";
import { DtlsEndpoint, type DtlsEvent } from "../../core/session/webrtc/dtls/mod.ts";
import { nodeCrypto } from "../../runtime/common/crypto.ts";
import { makeCertificate, pem, type TestCertificate } from "../certificate.ts";
import { type ConnectedEvent, keyingMaterial } from "./dtls_udp.ts";

const p256 = await makeCertificate("p256");
const rsa2048 = await makeCertificate("rsa2048");
type WeriftOptions = ConstructorParameters<typeof DtlsClient>[0];

/** TLS 1.2 numbers of SHA-256, and of ECDSA and RSA. */
const sha256 = 4;
const signatures = { p256: 3, rsa2048: 1 } as const;
const kinds = { p256, rsa2048 } as const;

/** Joins werift to an endpoint of ours by function calls. */
class Wire {
  readonly type = "udp";
  readonly address = { address: "127.0.0.1", port: 1, family: "IPv4" } as const;
  readonly events: DtlsEvent[] = [];
  readonly #endpoint: DtlsEndpoint;
  closed = false;
  onData: (data: Buffer, address: readonly [string, number]) => void = () => {};

  constructor(endpoint: DtlsEndpoint) {
    this.#endpoint = endpoint;
  }

  send = async (data: Uint8Array): Promise<void> => {
    const copy = new Uint8Array(data);
    await sleep(0);
    this.#endpoint.handleInput(copy, performance.now());
    this.drain();
  };

  close = async (): Promise<void> => {
    this.closed = true;
  };

  drain(): void {
    const endpoint = this.#endpoint;
    for (let out = endpoint.pollTransmit(); out; out = endpoint.pollTransmit()) {
      const bytes = Buffer.from(out);
      setTimeout(() => this.onData(bytes, ["127.0.0.1", 1]), 0);
    }
    for (let event = endpoint.pollEvent(); event; event = endpoint.pollEvent()) {
      this.events.push(event);
    }
  }
}

interface Case {
  readonly own: keyof typeof kinds;
  readonly theirs: keyof typeof kinds;
  readonly extendedMasterSecret: boolean;
  readonly profile: 1 | 7;
}

const cases: readonly Case[] = [
  { own: "p256", theirs: "p256", extendedMasterSecret: true, profile: 1 },
  { own: "p256", theirs: "p256", extendedMasterSecret: false, profile: 7 },
  { own: "rsa2048", theirs: "p256", extendedMasterSecret: true, profile: 7 },
  { own: "p256", theirs: "rsa2048", extendedMasterSecret: true, profile: 7 },
];

function endpointOf(role: "client" | "server", own: TestCertificate, theirs: TestCertificate) {
  return new DtlsEndpoint({
    role,
    crypto: nodeCrypto,
    certificate: { chain: own.chain, key: nodeCrypto.privateKey(own.pkcs8) },
    peerFingerprints: [
      { algorithm: "sha-256", digest: nodeCrypto.hash("sha256", theirs.chain[0]!) },
    ],
    srtpProfiles: ["SRTP_AEAD_AES_256_GCM", "SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_HMAC_SHA1_80"],
    reliable: true,
  });
}

function weriftOptions(each: Case, transport: Wire): WeriftOptions {
  const { chain, pkcs8 } = kinds[each.theirs];
  return {
    transport: transport as unknown as WeriftOptions["transport"],
    cert: pem("CERTIFICATE", chain[0]!),
    key: pem("PRIVATE KEY", pkcs8),
    signatureHash: { signature: signatures[each.theirs], hash: sha256 } as const,
    srtpProfiles: [each.profile],
    extendedMasterSecret: each.extendedMasterSecret,
    certificateRequest: true,
  };
}

async function check(role: "client" | "server", each: Case, wire: Wire, socket: DtlsSocket) {
  for (let i = 0; i < 3000 && !(socket.connected && wire.events.length > 0); i++) await sleep(10);
  const [event] = wire.events;
  assert.ok(event?.type === "connected", JSON.stringify(wire.events));
  assert.equal(event.extendedMasterSecret, each.extendedMasterSecret);
  const [keyBytes, saltBytes] = each.profile === 1 ? [16, 14] : [16, 12];
  const keys = socket.extractSessionKeys(keyBytes, saltBytes);
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  const theirs =
    role === "server"
      ? [keys.localKey, keys.remoteKey, keys.localSalt, keys.remoteSalt]
      : [keys.remoteKey, keys.localKey, keys.remoteSalt, keys.localSalt];
  assert.equal(keyingMaterial(role, event as ConnectedEvent), theirs.map(hex).join(""));
}

function nameOf(each: Case): string {
  const secret = each.extendedMasterSecret ? "with" : "without";
  return `${each.own} and its ${each.theirs}, ${secret} extended master secret, profile ${each.profile}`;
}

describe("our server and werift's client", () => {
  for (const each of cases) {
    test(nameOf(each), async () => {
      const wire = new Wire(endpointOf("server", kinds[each.own], kinds[each.theirs]));
      const socket = new DtlsClient(weriftOptions(each, wire));
      void socket.connect();
      await check("server", each, wire, socket);
    });
  }
});

describe("our client and werift's server", () => {
  for (const each of cases) {
    test(nameOf(each), async () => {
      const endpoint = endpointOf("client", kinds[each.own], kinds[each.theirs]);
      const wire = new Wire(endpoint);
      const socket = new DtlsServer(weriftOptions(each, wire));
      endpoint.start(performance.now());
      wire.drain();
      await check("client", each, wire, socket);
    });
  }
});
