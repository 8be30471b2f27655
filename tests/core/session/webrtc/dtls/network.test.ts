import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DtlsEvent, DtlsOptions } from "../../../../../core/session/webrtc/dtls/mod.ts";
import { lengthenChain, makeCertificate } from "../../../../certificate.ts";
import { Network, type NetworkOptions, type Script, type Side } from "../../../../sim/network.ts";
import { SeededRandom } from "../../../../sim/random.ts";
import { damage, everyRecord } from "./damage.ts";
import { identityOf, makePair, type Pair } from "./peers.ts";
import { datagramOf, nameOf, recordsOf } from "./records.ts";

const cookie = { secret: new Uint8Array(32).fill(1), address: Uint8Array.of(127, 0, 0, 1, 4, 0) };
const longAlice = identityOf(await lengthenChain(await makeCertificate("p256"), 8000));
const longBob = identityOf(await lengthenChain(await makeCertificate("p384"), 8000));

interface Run {
  readonly pair: Pair;
  readonly network: Network<DtlsEvent>;
}

/** A handshake over UDP with a cookie; the client is side a. */
function run(
  options: NetworkOptions,
  client: Partial<DtlsOptions> = {},
  server: Partial<DtlsOptions> = {},
): Run {
  const pair = makePair({ reliable: false, ...client }, { reliable: false, cookie, ...server });
  const network = new Network<DtlsEvent>(pair.client, pair.server, options);
  pair.client.start(0);
  network.run(60_000, () => bothDone(pair));
  return { pair, network };
}

function bothDone({ client, server }: Pair): boolean {
  return (client.connected || client.over) && (server.connected || server.over);
}

function assertConnected({ network }: Run, what = ""): void {
  const [a] = network.events.a;
  const [b] = network.events.b;
  assert.ok(
    a?.type === "connected" && b?.type === "connected",
    `${what} ${JSON.stringify([a, b])}`,
  );
  assert.deepEqual(a.localKeys, b.remoteKeys);
  assert.deepEqual(a.remoteKeys, b.localKeys);
}

test("a perfect handshake sends each message once", () => {
  const seen: [Side, string][] = [];
  const script: Script = (datagram, from) => {
    for (const record of recordsOf(datagram)) seen.push([from, nameOf(record)]);
    return undefined;
  };
  const result = run({ script });
  assertConnected(result);
  assert.deepEqual(seen, everyRecord);
  assert.equal(result.pair.client.nextTimeout(), Number.POSITIVE_INFINITY);
  assert.equal(result.pair.server.nextTimeout(), Number.POSITIVE_INFINITY);
});

for (const kind of ["dropped", "dropped twice", "doubled", "late"] as const) {
  describe(`a handshake survives each message ${kind}`, () => {
    for (const [index, [side, name]] of everyRecord.entries()) {
      test(`${index}: ${name} of ${side === "a" ? "the client" : "the server"}`, () => {
        const result = run({ script: damage(index, kind) });
        assertConnected(result);
        if (kind !== "doubled" && kind !== "late") assert.ok(result.network.now >= 400);
        assert.ok(result.network.now < 3000, `${result.network.now} ms`);
      });
    }
  });
}

describe("a handshake with one message corrupted ends, and nobody is fooled", () => {
  for (const [index, [side, name]] of everyRecord.entries()) {
    test(`${index}: ${name} of ${side === "a" ? "the client" : "the server"}`, () => {
      const result = run({ script: damage(index, "corrupted") });
      const { client, server } = result.pair;
      assert.ok(bothDone(result.pair), `${result.network.now} ms`);
      if (client.connected && server.connected) assertConnected(result);
    });
  }
});

describe("an MTU is kept and both chains of 8 KB get through", () => {
  for (const mtu of [128, 256, 300, 576, 1200, 1400]) {
    for (const loss of [0, 0.05]) {
      test(`${mtu} bytes, ${loss * 100} % lost`, () => {
        const changes = { mtu };
        const result = run(
          { mtu, loss, seed: mtu },
          { ...changes, certificate: longAlice.certificate },
          { ...changes, certificate: longBob.certificate },
        );
        assertConnected(result);
      });
    }
  }
});

describe("a bad network", () => {
  for (let seed = 1; seed <= 40; seed++) {
    test(`seed ${seed}: a tenth lost, a tenth doubled, a third out of order`, () => {
      assertConnected(run({ seed, loss: 0.1, duplication: 0.1, reordering: 0.33 }), `${seed}`);
    });
  }

  test("with a hundredth of the datagrams damaged too, every handshake ends", () => {
    let connected = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const rates = { loss: 0.05, duplication: 0.05, reordering: 0.2, corruption: 0.05 };
      const result = run({ seed, ...rates }, { mtu: 300 }, { mtu: 300 });
      assert.ok(bothDone(result.pair), `seed ${seed}`);
      const { client, server } = result.pair;
      if (client.connected && server.connected) {
        assertConnected(result, `seed ${seed}`);
        connected++;
      }
    }
    assert.ok(connected > 45, `${connected} of 60`);
  });

  test("a network that carries nothing ends in a timeout after 30 s, with ever rarer tries", () => {
    const times: number[] = [];
    const script: Script = (_datagram, _from, now) => {
      times.push(now);
      return [];
    };
    const pair = makePair({ reliable: false });
    const network = new Network<DtlsEvent>(pair.client, pair.server, { script });
    pair.client.start(0);
    network.run(60_000, () => pair.client.over);
    assert.deepEqual(times, [0, 400, 1200, 2800, 6000, 12_400, 25_200]);
    assert.ok(pair.client.over);
    const [event] = network.events.a;
    assert.ok(event?.type === "failed" && event.fault.code === "handshake-timeout");
    assert.equal(network.now, 30_000);
  });
});

test("datagrams of all flights in any order", () => {
  const random = new SeededRandom(5);
  for (let round = 0; round < 20; round++) {
    const script: Script = (datagram) =>
      recordsOf(datagram).map((record) => ({
        bytes: datagramOf([record]),
        extraMillis: random.below(100),
      }));
    assertConnected(run({ script }), `round ${round}`);
  }
});
