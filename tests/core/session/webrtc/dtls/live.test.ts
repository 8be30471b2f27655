import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault } from "../../../../../core/base/mod.ts";
import { concat } from "../../../../../core/bytes/mod.ts";
import {
  AlertDescription,
  AlertLevel,
  ContentType,
  decodeRecord,
  encodeAlert,
  encodeHandshakeMessage,
  encodeRecord,
  HandshakeType,
} from "../../../../../core/wire/dtls/mod.ts";
import { SeededRandom } from "../../../../sim/random.ts";
import { plainRecord, Spy } from "./attacker.ts";
import { drainEvents, drainTransmits, exchange, makePair, type Pair } from "./peers.ts";
import { nameOf, recordsOf } from "./records.ts";

const { close_notify, handshake_failure, user_canceled } = AlertDescription;
const closeNotify = encodeAlert({ level: AlertLevel.warning, description: close_notify });
const fatal = encodeAlert({ level: AlertLevel.fatal, description: handshake_failure });

interface Live extends Pair {
  /** Makes records as the client, and as the server. */
  readonly asClient: Spy;
  readonly asServer: Spy;
  readonly hello: Uint8Array;
  /** Everything the client sent. */
  readonly fromClient: readonly Uint8Array[];
}

function live(reliable = true): Live {
  const asClient = new Spy();
  const asServer = new Spy();
  const pair = makePair(
    { crypto: asClient.crypto, reliable },
    { crypto: asServer.crypto, reliable },
  );
  const fromClient: Uint8Array[] = [];
  pair.client.start(0);
  exchange(pair, 0, (datagram, from) => {
    if (from === "client") fromClient.push(datagram.slice());
    return undefined;
  });
  assert.equal(drainEvents(pair.client)[0]?.type, "connected");
  assert.equal(drainEvents(pair.server)[0]?.type, "connected");
  return { ...pair, asClient, asServer, hello: fromClient[0]!, fromClient };
}

/** Nothing was said, nothing happened, and a goodbye still gets through. */
function assertUndisturbed({ client, server }: Live): void {
  for (const side of [client, server]) {
    assert.deepEqual(drainTransmits(side), []);
    assert.deepEqual(drainEvents(side), []);
    assert.ok(side.connected);
    assert.equal(side.nextTimeout(), Number.POSITIVE_INFINITY);
  }
  client.close(1000);
  exchange({ client, server }, 1000);
  assert.deepEqual(drainEvents(server), [{ type: "closed" }]);
}

describe("a live session is not disturbed by plaintext:", () => {
  const forged: readonly (readonly [string, (session: Live) => Uint8Array])[] = [
    ["the old ClientHello again", ({ hello }) => hello],
    ["a new ClientHello", () => newHello()],
    ["close_notify", () => plainRecord(ContentType.alert, closeNotify)],
    ["a fatal alert", () => plainRecord(ContentType.alert, fatal)],
    ["ChangeCipherSpec", () => plainRecord(ContentType.change_cipher_spec, Uint8Array.of(1))],
    ["application data", () => plainRecord(ContentType.application_data, Uint8Array.of(1, 2))],
    ["an unknown type", () => plainRecord(99, Uint8Array.of(1, 2))],
    ["a HelloRequest", () => plainRecord(ContentType.handshake, helloRequest(9))],
    ["half a record", ({ hello }) => hello.subarray(0, 20)],
    ["an empty datagram", () => new Uint8Array(0)],
  ];
  for (const [name, make] of forged) {
    for (const reliable of [true, false]) {
      test(`${name}, over ${reliable ? "TCP" : "UDP"}`, () => {
        const session = live(reliable);
        for (let i = 0; i < 3; i++) {
          session.server.handleInput(make(session), 500 + i * 100);
          session.client.handleInput(make(session), 500 + i * 100);
        }
        assertUndisturbed(session);
      });
    }
  }
});

describe("a live session is not disturbed by records with a wrong tag:", () => {
  for (const type of Object.values(ContentType)) {
    test(`type ${type}`, () => {
      const session = live();
      const record = session.asClient.record(type, closeNotify, 77);
      for (let bit = 0; bit < record.length * 8; bit++) {
        // The length, and a sequence number whose tag would be right.
        if (bit >= 11 * 8 && bit < 13 * 8) continue;
        const flipped = record.slice();
        flipped[bit >>> 3] = flipped[bit >>> 3]! ^ (1 << (bit & 7));
        session.server.handleInput(flipped, 500);
      }
      assert.ok(session.server.counters.forgedRecords > 100);
      assertUndisturbed(session);
    });
  }
});

test("epochs beyond the first protected one and other versions are passed over", () => {
  const session = live();
  const record = decodeRecord(session.asClient.record(ContentType.alert, closeNotify, 50));
  assert.ok(!isFault(record));
  for (const change of [{ epoch: 2 }, { epoch: 65535 }, { version: 0x0303 }, { version: 0xfeff }]) {
    session.server.handleInput(encodeRecord({ ...record, ...change }), 500);
  }
  assert.equal(session.server.counters.discardedRecords, 4);
  assertUndisturbed(session);
});

test("application data is counted once, however often it is replayed", () => {
  const session = live();
  const old = session.asClient.record(ContentType.application_data, Uint8Array.of(1), 10);
  for (let i = 0; i < 4; i++) session.server.handleInput(old, 500);
  assert.equal(session.server.counters.applicationRecords, 1);
  assert.equal(session.server.counters.replayedRecords, 3);
  for (const sequence of [200, 137, 136]) {
    session.server.handleInput(
      session.asClient.record(ContentType.application_data, Uint8Array.of(1), sequence),
      500,
    );
  }
  // 137 is the oldest of the 64 up to 200.
  assert.equal(session.server.counters.applicationRecords, 3);
  assert.equal(session.server.counters.replayedRecords, 4);
});

test("renegotiation is refused with no_renegotiation, at most four times", () => {
  const session = live();
  for (let i = 0; i < 10; i++) {
    const asked = [
      helloRequest(i),
      encodeHandshakeMessage({ ...newHelloMessage(), messageSeq: i }),
    ];
    session.client.handleInput(
      session.asServer.record(ContentType.handshake, asked[0]!, 20 + i),
      500,
    );
    session.server.handleInput(
      session.asClient.record(ContentType.handshake, asked[1]!, 20 + i),
      500,
    );
  }
  for (const [side, spy] of [
    [session.client, session.asClient],
    [session.server, session.asServer],
  ] as const) {
    const sent = drainTransmits(side);
    assert.equal(sent.length, 4);
    assert.ok(sent.flatMap(recordsOf).every((record) => nameOf(record) === "protected alert"));
    assert.deepEqual([...spy.sealed.at(-1)!], [1, AlertDescription.no_renegotiation]);
  }
  assertUndisturbed(session);
});

test("a Finished repeated under the keys brings our last flight again; a replayed one does not", () => {
  const session = live();
  const finished = session.asClient.sealed.find((bytes) => bytes[0] === HandshakeType.finished)!;
  const repeat = session.asClient.record(ContentType.handshake, finished, 60);
  session.server.handleInput(repeat, 500);
  session.server.handleInput(repeat, 600);
  for (const datagram of session.fromClient) session.server.handleInput(datagram, 700);
  const sent = drainTransmits(session.server);
  assert.deepEqual(sent.flatMap(recordsOf).map(nameOf), [
    "change_cipher_spec",
    "protected handshake",
  ]);
  assert.equal(session.server.counters.resentFlights, 1);
  session.client.handleInput(sent[0]!, 800);
  assertUndisturbed(session);
});

describe("alerts under the keys", () => {
  test("close_notify is answered with close_notify and closes", () => {
    const session = live();
    session.client.close(500);
    const [datagram] = drainTransmits(session.client);
    session.server.handleInput(datagram!, 500);
    assert.deepEqual(drainEvents(session.server), [{ type: "closed" }]);
    const answer = drainTransmits(session.server);
    assert.deepEqual(answer.flatMap(recordsOf).map(nameOf), ["protected alert"]);
    assert.deepEqual([...session.asServer.sealed.at(-1)!], [1, close_notify]);
    session.client.handleInput(answer[0]!, 500);
    assert.deepEqual(drainEvents(session.client), []);
    assert.ok(session.client.over && session.server.over);
  });

  test("a fatal one ends the session", () => {
    const session = live();
    session.server.handleInput(session.asClient.record(ContentType.alert, fatal, 50), 500);
    const [event] = drainEvents(session.server);
    assert.ok(event?.type === "failed" && event.fault.code === "peer-alert");
    assert.equal(event.alert, handshake_failure);
    assert.deepEqual(drainTransmits(session.server), []);
  });

  test("warnings, and alerts that are none, change nothing", () => {
    const session = live();
    const warning = encodeAlert({ level: AlertLevel.warning, description: user_canceled });
    for (const [i, bytes] of [warning, Uint8Array.of(1), Uint8Array.of(3, 0)].entries()) {
      session.server.handleInput(session.asClient.record(ContentType.alert, bytes, 50 + i), 500);
    }
    assertUndisturbed(session);
  });
});

test("after the end all input is ignored, and nothing more is sent", () => {
  const session = live();
  session.server.close(500);
  drainTransmits(session.server);
  for (const datagram of session.fromClient) session.server.handleInput(datagram, 600);
  session.server.resendFlight(600);
  session.server.close(600);
  session.server.handleTimeout(100_000);
  assert.deepEqual(drainTransmits(session.server), []);
  assert.deepEqual(drainEvents(session.server), []);
});

describe("during the handshake", () => {
  test("closing says user_canceled and close_notify; the other side is told", () => {
    const pair = makePair();
    pair.client.start(0);
    for (const datagram of drainTransmits(pair.client)) pair.server.handleInput(datagram, 0);
    drainTransmits(pair.server);
    pair.client.close(10);
    const records = drainTransmits(pair.client).flatMap(recordsOf);
    assert.deepEqual(
      records.map((record) => [...record.fragment]),
      [
        [1, user_canceled],
        [1, close_notify],
      ],
    );
    for (const record of records) pair.server.handleInput(encodeRecord(record), 20);
    const [event] = drainEvents(pair.server);
    assert.ok(event?.type === "failed" && event.fault.code === "peer-alert");
    assert.equal(event.alert, close_notify);
  });

  test("closing before it says nothing", () => {
    const { server } = makePair();
    server.close(0);
    assert.deepEqual(drainTransmits(server), []);
    assert.deepEqual(drainEvents(server), []);
  });

  test("a peer's fatal alert over TCP ends it at once", () => {
    const { client } = makePair();
    client.start(0);
    client.handleInput(plainRecord(ContentType.alert, fatal), 5);
    const [event] = drainEvents(client);
    assert.ok(event?.type === "failed" && event.alert === handshake_failure);
  });

  test("over UDP anybody can forge one: it ends it only when the peer does not go on for 3 s", () => {
    const pair = makePair({ reliable: false }, { reliable: false });
    pair.client.start(0);
    pair.client.handleInput(plainRecord(ContentType.alert, fatal), 5);
    assert.deepEqual(drainEvents(pair.client), []);
    exchange(pair, 10);
    assert.ok(pair.client.connected && pair.server.connected);

    const { client } = makePair({ reliable: false });
    client.start(0);
    client.handleInput(plainRecord(ContentType.alert, fatal), 5);
    client.handleTimeout(3004);
    assert.deepEqual(drainEvents(client), []);
    client.handleTimeout(3005);
    const [event] = drainEvents(client);
    assert.ok(event?.type === "failed" && event.alert === handshake_failure);
  });

  test("ChangeCipherSpec that comes early, or is none, or comes twice, takes no keys into use", () => {
    const pair = makePair();
    pair.client.start(0);
    const early = plainRecord(ContentType.change_cipher_spec, Uint8Array.of(1));
    const wrong = plainRecord(ContentType.change_cipher_spec, Uint8Array.of(2));
    exchange(pair, 0, (datagram) => [early, wrong, early, datagram, early]);
    assert.ok(pair.client.connected && pair.server.connected);
  });

  test("without ChangeCipherSpec a Finished is not read", () => {
    const pair = makePair();
    pair.client.start(0);
    exchange(pair, 0, (datagram) => {
      const kept = recordsOf(datagram).filter(
        (record) => record.type !== ContentType.change_cipher_spec,
      );
      return kept.map(encodeRecord);
    });
    assert.ok(!pair.server.connected && !pair.client.connected && !pair.server.over);
  });

  test("20,000 fragments of junk cost bounded memory, and the handshake goes on", () => {
    const pair = makePair({ reliable: false }, { reliable: false });
    const random = new SeededRandom(3);
    pair.client.start(0);
    for (const datagram of drainTransmits(pair.client)) pair.server.handleInput(datagram, 0);
    let most = 0;
    for (let i = 0; i < 20_000; i++) {
      const length = random.below(40_000);
      const offset = random.below(length + 1);
      const size = Math.min(length - offset, random.below(40));
      const body = encodeHandshakeMessage({
        type: 11,
        messageSeq: random.below(12),
        body: new Uint8Array(size),
      });
      body.set([length >>> 16, length >>> 8, length], 1);
      body.set([offset >>> 16, offset >>> 8, offset], 6);
      pair.server.handleInput(plainRecord(ContentType.handshake, body), 100);
      most = Math.max(most, pair.server.bufferedBytes);
    }
    assert.ok(most > 32_768 && most <= 65_536, `${most}`);
    drainTransmits(pair.server);
    pair.server.handleTimeout(500);
    exchange(pair, 500);
    assert.ok(pair.client.connected && pair.server.connected);
    assert.equal(pair.server.bufferedBytes, 0);
  });

  test("fragments without bytes of a message with some are passed over", () => {
    const { server } = makePair();
    const empty = encodeHandshakeMessage({ type: 1, messageSeq: 0, body: new Uint8Array(0) });
    empty[3] = 100;
    server.handleInput(plainRecord(ContentType.handshake, concat(Array(80).fill(empty))), 0);
    assert.equal(server.bufferedBytes, 0);
    assert.ok(!server.over);
  });

  test("a client that has not started hears nothing", () => {
    const { client } = makePair();
    client.handleInput(newHello(), 0);
    client.resendFlight(0);
    assert.deepEqual(drainTransmits(client), []);
    assert.equal(client.nextTimeout(), Number.POSITIVE_INFINITY);
  });
});

function newHello(): Uint8Array {
  const { client } = makePair();
  client.start(0);
  return client.pollTransmit()!;
}

function newHelloMessage() {
  return { type: HandshakeType.client_hello, messageSeq: 0, body: newHello().slice(25) };
}

function helloRequest(messageSeq: number): Uint8Array {
  return encodeHandshakeMessage({
    type: HandshakeType.hello_request,
    messageSeq,
    body: new Uint8Array(0),
  });
}
