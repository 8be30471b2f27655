import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../../../../core/base/mod.ts";
import {
  type DtlsRecord,
  decodeHelloVerifyRequest,
  encodeHandshakeMessage,
  encodeHelloVerifyRequest,
  encodeRecord,
  HandshakeType,
} from "../../../../../core/wire/dtls/mod.ts";
import { messageOf, plainRecord } from "./attacker.ts";
import { drainEvents, drainTransmits, exchange, makePair, type Pair } from "./peers.ts";
import { nameOf, recordsOf } from "./records.ts";

const secret = new Uint8Array(32).fill(3);
const cookie = { secret, address: Uint8Array.of(10, 0, 0, 1, 1, 1) };

function cookiePair(server: Parameters<typeof makePair>[1] = {}): Pair {
  return makePair({ reliable: false }, { reliable: false, cookie, ...server });
}

function cookieIn(datagram: Uint8Array): Uint8Array {
  const message = messageOf(recordsOf(datagram)[0]!);
  assert.equal(message?.type, HandshakeType.hello_verify_request);
  const request = decodeHelloVerifyRequest(message.body);
  assert.ok(!isFault(request));
  assert.equal(request.version, 0xfeff);
  return request.cookie;
}

/** The first hello, under another record number. */
function helloOf(pair: Pair, sequence: number): Uint8Array {
  pair.client.start(0);
  const record = recordsOf(drainTransmits(pair.client)[0]!)[0]!;
  return encodeRecord({ ...record, sequence });
}

test("HelloVerifyRequest has the record number of the ClientHello, and its message number", () => {
  const pair = cookiePair();
  const hello = helloOf(pair, 41);
  pair.server.handleInput(hello, 0);
  const [answer] = drainTransmits(pair.server);
  const record = recordsOf(answer!)[0]!;
  assert.equal(record.sequence, 41);
  assert.equal(messageOf(record)?.messageSeq, 0);
  assert.ok(answer!.length <= hello.length);
});

test("a hello without cookie leaves nothing behind but the deadline, however often it comes", () => {
  const pair = cookiePair();
  const hello = helloOf(pair, 0);
  const cookies = new Set<string>();
  for (let i = 0; i < 100; i++) {
    pair.server.handleInput(hello, i);
    cookies.add(String(cookieIn(drainTransmits(pair.server)[0]!)));
  }
  assert.equal(cookies.size, 1);
  assert.equal(pair.server.bufferedBytes, 0);
  assert.equal(pair.server.nextTimeout(), 30_000);
});

test("the cookie depends on the secret, the address and the client's random", () => {
  const first = cookiePair();
  const hello = helloOf(first, 0);
  const cookies = new Set<string>();
  for (const options of [
    { secret, address: Uint8Array.of(10, 0, 0, 1, 1, 1) },
    { secret, address: Uint8Array.of(10, 0, 0, 1, 1, 2) },
    { secret: new Uint8Array(32), address: Uint8Array.of(10, 0, 0, 1, 1, 1) },
  ]) {
    const { server } = cookiePair({ cookie: options });
    server.handleInput(hello, 0);
    cookies.add(String(cookieIn(drainTransmits(server)[0]!)));
  }
  const { server } = cookiePair();
  server.handleInput(helloOf(cookiePair(), 0), 0);
  cookies.add(String(cookieIn(drainTransmits(server)[0]!)));
  assert.equal(cookies.size, 4);
});

test("a server that never saw the first hello takes the second: the cookie is stateless", () => {
  const pair = cookiePair();
  const { server: other } = cookiePair();
  pair.client.start(0);
  for (const datagram of drainTransmits(pair.client)) other.handleInput(datagram, 0);
  for (const datagram of drainTransmits(other)) pair.client.handleInput(datagram, 0);
  exchange(pair);
  assert.ok(pair.client.connected && pair.server.connected);
});

test("a wrong cookie is answered with a new one", () => {
  const pair = cookiePair();
  const { server: other } = cookiePair({ cookie: { ...cookie, secret: new Uint8Array(32) } });
  pair.client.start(0);
  for (const datagram of drainTransmits(pair.client)) other.handleInput(datagram, 0);
  for (const datagram of drainTransmits(other)) pair.client.handleInput(datagram, 0);
  const seen: string[] = [];
  exchange(pair, 0, (datagram, from) => {
    if (from === "server") seen.push(...recordsOf(datagram).map(nameOf));
    return undefined;
  });
  assert.equal(seen[0], "hello_verify_request");
  assert.equal(seen[1], "server_hello");
  assert.ok(pair.client.connected && pair.server.connected);
});

test("the ServerHello goes on with the record and message numbers of the ClientHello", () => {
  const pair = cookiePair();
  const records: DtlsRecord[] = [];
  pair.client.start(0);
  exchange(pair, 0, (datagram, from) => {
    if (from === "server") records.push(...recordsOf(datagram));
    return undefined;
  });
  const hello = records.find((record) => nameOf(record) === "server_hello")!;
  assert.equal(hello.sequence, 1);
  assert.equal(messageOf(hello)?.messageSeq, 1);
});

test("a record number near the end cannot use up ours", () => {
  const pair = cookiePair();
  pair.client.start(0);
  exchange(pair, 0, (datagram, from) => {
    if (from === "server") return undefined;
    return recordsOf(datagram).map((record) =>
      encodeRecord(record.epoch === 0 ? { ...record, sequence: 2 ** 48 - 1 } : record),
    );
  });
  assert.ok(pair.client.connected && pair.server.connected);
});

test("over TCP there is no cookie", () => {
  const pair = makePair({}, { cookie });
  pair.client.start(0);
  const seen: string[] = [];
  exchange(pair, 0, (datagram, from) => {
    if (from === "server") seen.push(...recordsOf(datagram).map(nameOf));
    return undefined;
  });
  assert.equal(seen[0], "server_hello");
  assert.ok(pair.client.connected);
});

test("a client answers four HelloVerifyRequests, not five", () => {
  const { client } = makePair();
  client.start(0);
  assert.equal(drainTransmits(client).length, 1);
  for (let messageSeq = 0; messageSeq < 5; messageSeq++) {
    const body = encodeHelloVerifyRequest({ version: 0xfefd, cookie: Uint8Array.of(messageSeq) });
    const message = { type: HandshakeType.hello_verify_request, messageSeq, body };
    client.handleInput(plainRecord(22, encodeHandshakeMessage(message), messageSeq), 0);
    const sent = drainTransmits(client).flatMap(recordsOf).map(nameOf);
    assert.deepEqual(sent, [messageSeq < 4 ? "client_hello" : "alert"]);
  }
  const [event] = drainEvents(client);
  assert.ok(event?.type === "failed");
  assert.equal(event.fault.code, "too-many-hello-verify-requests");
});
