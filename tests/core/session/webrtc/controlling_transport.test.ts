import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../../../../core/base/mod.ts";
import { IceControlling } from "../../../../core/session/webrtc/ice_controlling.ts";
import { type TransportEvent, WebRtcTransport } from "../../../../core/session/webrtc/transport.ts";
import { encodeRtcp } from "../../../../core/wire/rtcp/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { type DatagramMachine, Network, type NetworkOptions } from "../../../sim/network.ts";
import { alice, bob } from "./dtls/peers.ts";

const ours = { ufrag: "relayrel", pwd: "0123456789abcdefghijklmnopqrstuv" };
const theirs = { ufrag: "farfarfa", pwd: "vutsrqponmlkjihgfedcba9876543210" };
const remote: Endpoint = { host: "192.0.2.33", port: 8080 };

interface Call {
  readonly network: Network<TransportEvent>;
  readonly near: WebRtcTransport;
  readonly far: WebRtcTransport;
  /** Compound RTCP packets that arrived. */
  readonly arrived: Record<"near" | "far", number>;
}

/** A transport that offered, and the lite one that answered it, on one pair. */
function call(
  role: "client" | "server",
  transport: "tcp" | "udp",
  options: NetworkOptions = {},
): Call {
  const arrived = { near: 0, far: 0 };
  const sink = (end: "near" | "far") => ({
    onRtp: () => {},
    onRtcp: () => {
      arrived[end]++;
    },
  });
  const common = { crypto: nodeCrypto, now: 0 };
  const near = new WebRtcTransport({
    ...common,
    ice: ours,
    agent: new IceControlling({ ...common, local: ours, remote: theirs }),
    dtlsRole: role,
    certificate: alice.certificate,
    peerFingerprints: [bob.fingerprint],
    sink: sink("near"),
  });
  const far = new WebRtcTransport({
    ...common,
    ice: theirs,
    dtlsRole: role === "client" ? "server" : "client",
    certificate: bob.certificate,
    peerFingerprints: [alice.fingerprint],
    sink: sink("far"),
  });
  const network = new Network(onPair(near), onPair(far), options);
  for (const one of [near, far]) {
    one.openPair(1, transport, remote, 0);
    one.handleTimeout(0);
  }
  return { network, near, far, arrived };
}

function onPair(transport: WebRtcTransport): DatagramMachine<TransportEvent> {
  return {
    handleInput: (bytes, now) => transport.handleInput({ pair: 1, bytes }, now),
    handleTimeout: (now) => transport.handleTimeout(now),
    pollTransmit: () => transport.pollTransmit()?.bytes,
    pollEvent: () => transport.pollEvent(),
    nextTimeout: () => transport.nextTimeout(),
  };
}

const report = encodeRtcp([{ type: "rr", ssrc: 1, blocks: [] }]);

for (const role of ["client", "server"] as const) {
  test(`over TCP the offerer checks, is DTLS ${role}, and packets pass both ways for half an hour`, () => {
    const { network, near, far, arrived } = call(role, "tcp");
    network.run(10_000, () => near.connected && far.connected);
    assert.ok(near.connected && far.connected);
    near.sendRtcp(report);
    far.sendRtcp(report);
    network.run(30 * 60_000);
    assert.deepEqual(arrived, { near: 1, far: 1 });
    assert.ok(near.connected && far.connected, "consent is kept by our checks");
  });

  test(`over UDP, a tenth of it lost, the offerer is DTLS ${role}`, () => {
    for (let seed = 1; seed <= 8; seed++) {
      const { network, near, far } = call(role, "udp", { seed, loss: 0.1, reordering: 0.1 });
      network.run(20_000, () => near.connected && far.connected);
      assert.ok(near.connected && far.connected, `seed ${seed}`);
    }
  });
}

test("when the far end goes without a word, the session is over by consent", () => {
  const { network, near, far } = call("client", "udp", {
    script: (_bytes, _from, now) => (now > 5000 ? [] : undefined),
  });
  network.run(120_000);
  assert.deepEqual(network.events.a.at(-1), { type: "closed", reason: "consent" });
  assert.ok(near.closed && far.closed);
});

test("close_notify of either end is the end of both", () => {
  for (const first of ["near", "far"] as const) {
    const both = call("client", "tcp");
    const { network, near, far } = both;
    network.run(10_000, () => near.connected && far.connected);
    both[first].close(network.now);
    network.run(20_000);
    assert.ok(near.closed && far.closed);
    const reasons = [network.events.a.at(-1), network.events.b.at(-1)].map(
      (event) => event?.type === "closed" && event.reason,
    );
    assert.deepEqual(reasons, first === "near" ? ["local", "peer"] : ["peer", "local"]);
  }
});
