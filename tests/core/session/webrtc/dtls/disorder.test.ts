import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../../../core/bytes/mod.ts";
import type { DtlsEvent } from "../../../../../core/session/webrtc/dtls/mod.ts";
import {
  ContentType,
  DTLS_1_2,
  encodeHandshakeMessage,
  encodeRecord,
} from "../../../../../core/wire/dtls/mod.ts";
import { Network, type Script } from "../../../../sim/network.ts";
import { SeededRandom } from "../../../../sim/random.ts";
import { plainRecord } from "./attacker.ts";
import { drainEvents, drainTransmits, exchange, makePair } from "./peers.ts";
import { datagramOf, recordsOf } from "./records.ts";

const fatal = plainRecord(ContentType.alert, Uint8Array.of(2, 40));

describe("records that overtake each other", () => {
  test("a flight that comes backwards connects without being sent again", () => {
    const pair = makePair({ reliable: false }, { reliable: false });
    pair.client.start(0);
    exchange(pair, 0, (datagram) =>
      recordsOf(datagram)
        .reverse()
        .map((record) => datagramOf([record])),
    );
    assert.ok(pair.client.connected && pair.server.connected);
    assert.equal(pair.client.counters.resentFlights, 0);
    assert.equal(pair.server.counters.resentFlights, 0);
  });

  test("four protected records of up to 512 bytes wait for the keys, no more", () => {
    const pair = makePair();
    pair.client.start(0);
    for (const datagram of drainTransmits(pair.client)) pair.server.handleInput(datagram, 0);
    const junk = (size: number, sequence: number): Uint8Array => {
      const fragment = new Uint8Array(size);
      return encodeRecord({ type: 22, version: DTLS_1_2, epoch: 1, sequence, fragment });
    };
    pair.server.handleInput(junk(513, 1), 0);
    assert.equal(pair.server.counters.discardedRecords, 1);
    for (let i = 0; i < 4; i++) pair.server.handleInput(junk(512, 2 + i), 0);
    assert.equal(pair.server.counters.discardedRecords, 1);
    pair.server.handleInput(junk(20, 6), 0);
    assert.equal(pair.server.counters.discardedRecords, 2);
    exchange(pair, 0);
    assert.equal(pair.server.counters.forgedRecords, 4);
    assert.ok(pair.client.connected && pair.server.connected);
  });
});

test("a doubt is forgotten when the peer goes on", () => {
  const pair = makePair({ reliable: false }, { reliable: false });
  pair.client.start(0);
  for (const datagram of drainTransmits(pair.client)) pair.server.handleInput(datagram, 0);
  pair.client.handleInput(fatal, 10);
  // Of the server's flight only the first message comes through.
  const [first] = drainTransmits(pair.server).flatMap(recordsOf);
  pair.client.handleInput(datagramOf([first!]), 20);
  pair.client.handleTimeout(4000);
  assert.deepEqual(drainEvents(pair.client), []);
  pair.client.handleTimeout(30_000);
  const [event] = drainEvents(pair.client);
  assert.ok(event?.type === "failed" && event.fault.code === "handshake-timeout");
});

test("a server over UDP that waits for its client is not ended by garbage, nor by a forged alert", () => {
  const pair = makePair({ reliable: false }, { reliable: false });
  const random = new SeededRandom(8);
  for (let i = 0; i < 200; i++) {
    const size = random.below(60);
    const body = Uint8Array.from({ length: size }, () => random.below(16));
    const message = { type: random.below(3), messageSeq: random.below(3), body };
    const fragment = random.chance(0.3) ? body : encodeHandshakeMessage(message);
    pair.server.handleInput(plainRecord(ContentType.handshake, fragment), i);
    pair.server.handleInput(fatal, i);
  }
  pair.server.handleTimeout(20_000);
  assert.deepEqual(drainEvents(pair.server), []);
  drainTransmits(pair.server);
  pair.client.start(20_000);
  exchange(pair, 20_000);
  assert.ok(pair.client.connected && pair.server.connected);
});

/** Puts altered copies of every datagram in front of it. */
function preceded(alter: (datagram: Uint8Array) => readonly Uint8Array[]): Script {
  return (datagram) => [...alter(datagram), datagram].map((bytes) => ({ bytes }));
}

function run(script: Script): { network: Network<DtlsEvent>; connected: boolean } {
  const pair = makePair({ reliable: false, mtu: 600 }, { reliable: false, mtu: 600 });
  const network = new Network<DtlsEvent>(pair.client, pair.server, { script });
  pair.client.start(0);
  const ended = (side: typeof pair.client): boolean => side.connected || side.over;
  network.run(60_000, () => ended(pair.client) && ended(pair.server));
  assert.ok(ended(pair.client) && ended(pair.server));
  return { network, connected: pair.client.connected && pair.server.connected };
}

test("a datagram cut at any length, with the whole one behind it, does no harm", () => {
  const cuts = preceded((datagram) =>
    Array.from(datagram, (_, length) => datagram.subarray(0, length)),
  );
  assert.ok(run(cuts).connected);
});

test("datagrams put together from bytes of others never make an endpoint throw", () => {
  let connected = 0;
  for (let seed = 1; seed <= 50; seed++) {
    const random = new SeededRandom(seed);
    const seen: Uint8Array[] = [];
    const script = preceded((datagram) => {
      seen.push(datagram.slice());
      return [0, 1, 2].map(() => scramble(seen, random));
    });
    if (run(script).connected) connected++;
  }
  assert.ok(connected > 10 && connected < 50, `${connected} of 50`);
});

/** Head of one, tail of another, some bytes changed, mostly in the headers. */
function scramble(seen: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  const pick = (): Uint8Array => seen[random.below(seen.length)]!;
  const [head, tail] = [pick(), pick()];
  const parts = [head.subarray(0, random.below(head.length + 1))];
  if (random.chance(0.5)) parts.push(tail.subarray(random.below(tail.length)));
  const out = concat(parts);
  for (let i = random.below(4); i > 0 && out.length > 0; i--) {
    const at = random.below(Math.min(out.length, random.chance(0.7) ? 26 : out.length));
    out[at] = random.below(256);
  }
  return out;
}

test("over TCP they never make an endpoint throw either", () => {
  for (let seed = 1; seed <= 80; seed++) {
    const random = new SeededRandom(seed);
    const seen: Uint8Array[] = [];
    const pair = makePair();
    pair.client.start(0);
    exchange(pair, 0, (datagram) => {
      seen.push(datagram.slice());
      return random.chance(0.5) ? [datagram] : [scramble(seen, random), datagram];
    });
    const [event] = drainEvents(pair.server);
    if (event !== undefined) assert.ok(event.type === "connected" || event.type === "failed");
  }
});
