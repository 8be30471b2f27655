import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DtlsEvent } from "../../../../../core/session/webrtc/dtls/mod.ts";
import {
  AlertDescription,
  encodeHandshakeMessage,
  HandshakeType,
} from "../../../../../core/wire/dtls/mod.ts";
import { type Attack, mallory, putAt, type Side } from "./attack.ts";
import { Spy } from "./attacker.ts";
import { attacksOnExchange } from "./attacks_on_exchange.ts";
import { attacksOnProofs } from "./attacks_on_proofs.ts";
import { alice, drainEvents, exchange, makePair, type Tamper } from "./peers.ts";
import { changeRecords, nameOf } from "./records.ts";

const attacks: readonly Attack[] = [...attacksOnProofs, ...attacksOnExchange];

function failureOf(events: readonly DtlsEvent[]): DtlsEvent & { type: "failed" } {
  const [event] = events;
  assert.ok(event?.type === "failed", JSON.stringify(event));
  assert.equal(events.length, 1);
  return event;
}

describe("over TCP it is refused at once, with an alert and without keys:", () => {
  for (const attack of attacks) {
    test(attack.name, () => {
      const { pair, victim, other } = begin(attack, true);
      const failure = failureOf(drainEvents(pair[victim]));
      assert.equal(failure.fault.code, attack.fault);
      assert.equal(failure.alert, AlertDescription[attack.alert]);
      assert.ok(!pair[victim].connected && pair[victim].over);
      const told = drainEvents(pair[other]).find((event) => event.type === "failed");
      assert.ok(told?.type === "failed" && told.fault.code === "peer-alert", `${told?.type}`);
      assert.equal(told.alert, AlertDescription[attack.alert]);
    });
  }
});

describe("over UDP it is refused when the peer has not mended it in 3 s:", () => {
  for (const attack of attacks) {
    test(attack.name, () => {
      const { pair, victim, finish } = begin(attack, false);
      for (let now = 0; now <= 33_000 && !pair[victim].over; now += 100) finish(now);
      const failure = failureOf(drainEvents(pair[victim]));
      assert.equal(failure.fault.code, attack.fault);
      assert.equal(failure.alert, AlertDescription[attack.alert]);
    });
  }
});

function begin(attack: Attack, reliable: boolean) {
  const pair = makePair({ reliable, ...attack.client }, { reliable, ...attack.server });
  const { victim } = attack;
  const other: Side = victim === "client" ? "server" : "client";
  pair.client.start(0);
  exchange(pair, 0, attack.tamper);
  const finish = (now: number): void => {
    pair.client.handleTimeout(now);
    pair.server.handleTimeout(now);
    exchange(pair, now, attack.tamper);
  };
  return { pair, victim, other, finish };
}

test("the handshake that all of these are variations of is accepted", () => {
  for (const reliable of [true, false]) {
    const pair = makePair({ reliable }, { reliable });
    pair.client.start(0);
    exchange(pair, 0, (datagram) => [changeRecords(datagram, (record) => [record])]);
    assert.ok(pair.client.connected && pair.server.connected);
  }
});

test("several fingerprints of one hash: one of them must match (RFC 8122 §5)", () => {
  const pair = makePair({}, { peerFingerprints: [mallory.fingerprint, alice.fingerprint] });
  pair.client.start(0);
  exchange(pair);
  assert.ok(pair.server.connected);
});

test("a CertificateVerify left out: nothing under the keys is read, and the deadline comes", () => {
  const spy = new Spy();
  // Finished takes the number that CertificateVerify had.
  spy.change = (plaintext) =>
    plaintext[0] === HandshakeType.finished ? putAt(plaintext, 4, 3) : plaintext;
  const pair = makePair({ crypto: spy.crypto });
  pair.client.start(0);
  const skip: Tamper = (datagram) => [
    changeRecords(datagram, (record) => (nameOf(record) === "certificate_verify" ? [] : [record])),
  ];
  exchange(pair, 0, skip);
  assert.ok(spy.sealed.length > 0);
  assert.ok(!pair.server.connected);
  pair.server.handleTimeout(30_000);
  assert.equal(failureOf(drainEvents(pair.server)).fault.code, "handshake-timeout");
});

test("an encoded message of 32 KB is taken, one byte more is refused", () => {
  for (const [size, refused] of [
    [32_768, false],
    [32_769, true],
  ] as const) {
    const pair = makePair();
    const message = encodeHandshakeMessage({
      type: HandshakeType.client_hello,
      messageSeq: 0,
      body: new Uint8Array(size),
    });
    // Only the first 1000 bytes of it.
    const fragment = message.slice(0, 1012);
    fragment.set([0, 1000 >>> 8, 1000 & 0xff], 9);
    const header = Uint8Array.of(22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 1012 >>> 8, 1012 & 0xff);
    const datagram = new Uint8Array(13 + 1012);
    datagram.set(header);
    datagram.set(fragment, 13);
    pair.server.handleInput(datagram, 0);
    assert.equal(pair.server.over, refused);
    assert.equal(pair.server.bufferedBytes, refused ? 0 : size);
  }
});
