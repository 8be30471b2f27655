/**
 * What a DTLS handshake costs, both ends, and its server alone, over a network that loses nothing.
 *
 * @module
 */
import "./help.ts";
import { DtlsEndpoint } from "../core/session/webrtc/dtls/mod.ts";
import { nodeCrypto } from "../runtime/common/crypto.ts";
import { makeDtlsCertificate } from "../server/certificates.ts";
import { bench, heading } from "./harness.ts";

const identities = [await makeDtlsCertificate(), await makeDtlsCertificate()];
const [server, client] = identities.map((identity) => ({
  chain: identity.chain,
  key: nodeCrypto.privateKey(identity.pkcs8),
  digest: nodeCrypto.hash("sha256", identity.chain[0] ?? new Uint8Array(0)),
}));
if (server === undefined || client === undefined) throw new Error("no certificates");

let serverMicros = 0;
let handshakes = 0;

function endpoint(role: "server" | "client"): DtlsEndpoint {
  const [own, peer] = role === "server" ? [server, client] : [client, server];
  if (own === undefined || peer === undefined) throw new Error("no certificates");
  return new DtlsEndpoint({
    role,
    crypto: nodeCrypto,
    certificate: own,
    peerFingerprints: [{ algorithm: "sha-256", digest: peer.digest }],
    srtpProfiles: ["SRTP_AEAD_AES_128_GCM"],
    reliable: true,
  });
}

function handshake(): void {
  const a = endpoint("server");
  const b = endpoint("client");
  b.start(0);
  for (let turn = 0; turn < 8 && !(a.connected && b.connected); turn++) {
    for (let out = b.pollTransmit(); out !== undefined; out = b.pollTransmit()) {
      const begun = performance.now();
      a.handleInput(out, 0);
      serverMicros += (performance.now() - begun) * 1000;
    }
    for (let out = a.pollTransmit(); out !== undefined; out = a.pollTransmit())
      b.handleInput(out, 0);
  }
  if (!a.connected || !b.connected) throw new Error("the handshake did not end");
  handshakes++;
}

heading("DTLS 1.2, X25519, ECDSA P-256, AES-128-GCM");
bench("handshake, both ends", 1, handshake);
console.log(`  of which the server's wall time, mean: ${(serverMicros / handshakes).toFixed(0)}`);
