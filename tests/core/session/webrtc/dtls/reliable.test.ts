import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DtlsEvent } from "../../../../../core/session/webrtc/dtls/mod.ts";
import { Network, type Script } from "../../../../sim/network.ts";
import { drainEvents, drainTransmits, exchange, makePair, type Pair } from "./peers.ts";
import { nameOf, recordsOf } from "./records.ts";

/** The last record of each flight over TCP, where there is no cookie. */
const flights = [
  { side: "a", last: "client_hello" },
  { side: "b", last: "server_hello_done" },
  { side: "a", last: "protected handshake" },
  { side: "b", last: "protected handshake" },
] as const;

function assertConnected(network: Network<DtlsEvent>): void {
  const [a, b] = [network.events.a[0], network.events.b[0]];
  assert.ok(a?.type === "connected" && b?.type === "connected", JSON.stringify([a, b]));
  assert.deepEqual(a.localKeys, b.remoteKeys);
  assert.equal(network.events.a.length, 1);
  assert.equal(network.events.b.length, 1);
}

/** Runs until flight number `index` was sent; with `lost` it never arrives. */
function runUntilFlight(index: number, lost: boolean): { pair: Pair; network: Network<DtlsEvent> } {
  const { side, last } = flights[index]!;
  let sent = false;
  const script: Script = (datagram, from) => {
    const first = nameOf(recordsOf(datagram)[0]!);
    const isEarly = from === "a" ? first === "client_hello" : first !== "change_cipher_spec";
    if (sent || from !== side || isEarly !== index < 2) return undefined;
    sent = recordsOf(datagram).some((record) => nameOf(record) === last);
    return lost ? [] : undefined;
  };
  const pair = makePair();
  const network = new Network<DtlsEvent>(pair.client, pair.server, { script });
  pair.client.start(0);
  network.run(1000, () => sent);
  assert.ok(sent);
  return { pair, network };
}

describe("the first connection is lost after a flight; on the next one", () => {
  for (const [index, { side, last }] of flights.entries()) {
    for (const lost of [true, false]) {
      const what = `${index}, up to ${last} of ${side}, ${lost ? "lost" : "received"}`;

      test(`both send their last flight again: ${what}`, () => {
        const { pair, network } = runUntilFlight(index, lost);
        if (lost) network.cut();
        pair.client.resendFlight(network.now);
        pair.server.resendFlight(network.now);
        network.run(network.now + 1000);
        assertConnected(network);
      });

      test(`a peer that repeats its own flight is answered with ours: ${what}`, () => {
        const { pair, network } = runUntilFlight(index, lost);
        network.run(network.now + 100);
        if (lost) network.cut();
        // Chromium does this by its timer.
        if (!pair.client.connected) pair.client.resendFlight(network.now);
        network.run(network.now + 1000);
        assertConnected(network);
      });
    }
  }
});

test("over TCP no timer runs but the deadline of the handshake", () => {
  const pair = makePair({ handshakeMillis: 5000 });
  assert.equal(pair.client.nextTimeout(), Number.POSITIVE_INFINITY);
  assert.equal(pair.server.nextTimeout(), Number.POSITIVE_INFINITY);
  pair.client.start(10);
  assert.equal(pair.client.nextTimeout(), 5010);
  for (const datagram of drainTransmits(pair.client)) pair.server.handleInput(datagram, 20);
  assert.equal(pair.server.nextTimeout(), 30_020);
  drainTransmits(pair.server);
  pair.client.handleTimeout(5009);
  assert.deepEqual(drainTransmits(pair.client), []);
  assert.deepEqual(drainEvents(pair.client), []);
  pair.client.handleTimeout(5010);
  const [event] = drainEvents(pair.client);
  assert.ok(event?.type === "failed" && event.fault.code === "handshake-timeout");
  assert.equal(pair.client.nextTimeout(), Number.POSITIVE_INFINITY);
});

test("a connected endpoint waits for nothing", () => {
  const pair = makePair();
  pair.client.start(0);
  exchange(pair);
  assert.ok(pair.client.connected && pair.server.connected);
  assert.equal(pair.client.nextTimeout(), Number.POSITIVE_INFINITY);
  assert.equal(pair.server.nextTimeout(), Number.POSITIVE_INFINITY);
});

test("a flight repeated in a hurry is answered once in 40 ms", () => {
  const pair = makePair();
  pair.client.start(0);
  const hello = drainTransmits(pair.client);
  for (const datagram of hello) pair.server.handleInput(datagram, 0);
  assert.ok(drainTransmits(pair.server).length > 0);
  for (const [now, answered] of [
    [10, false],
    [39, false],
    [40, true],
    [41, false],
    [79, false],
    [80, true],
  ] as const) {
    for (const datagram of hello) pair.server.handleInput(datagram, now);
    assert.equal(drainTransmits(pair.server).length > 0, answered, `${now} ms`);
  }
  assert.equal(pair.server.counters.resentFlights, 2);
});

describe("the network may change under a handshake", () => {
  const cookie = { secret: new Uint8Array(32), address: new Uint8Array(6) };

  test("from TCP to UDP: the flight is sent again by timer; and back: it is not", () => {
    const { client } = makePair();
    client.start(0);
    drainTransmits(client);
    client.setNetwork({ reliable: false }, 100);
    assert.equal(client.nextTimeout(), 500);
    client.handleTimeout(500);
    assert.equal(drainTransmits(client).length, 1);
    assert.equal(client.nextTimeout(), 1300);
    client.setNetwork({ reliable: true }, 600);
    assert.equal(client.nextTimeout(), 30_000);
  });

  test("a server that goes over to UDP asks for a cookie, back on TCP it does not", () => {
    for (const reliable of [false, true]) {
      const pair = makePair();
      pair.client.start(0);
      pair.server.setNetwork({ reliable: false, cookie }, 0);
      if (reliable) pair.server.setNetwork({ reliable, cookie }, 0);
      for (const datagram of drainTransmits(pair.client)) pair.server.handleInput(datagram, 0);
      const [first] = drainTransmits(pair.server).flatMap(recordsOf);
      assert.equal(nameOf(first!), reliable ? "server_hello" : "hello_verify_request");
    }
  });

  test("of a connected session it changes nothing, and a flight sent again waits for no answer", () => {
    const pair = makePair();
    pair.client.start(0);
    exchange(pair);
    for (const side of [pair.client, pair.server]) {
      side.setNetwork({ reliable: false }, 100);
      side.resendFlight(200);
      assert.ok(drainTransmits(side).length > 0);
      assert.equal(side.nextTimeout(), Number.POSITIVE_INFINITY);
    }
    assert.ok(pair.client.connected && pair.server.connected);
  });
});
