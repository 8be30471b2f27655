import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, test } from "node:test";
import { classes, Message, methods, parseMessage } from "werift";
import { NEVER } from "../../../../core/base/mod.ts";
import { concat, putU16 } from "../../../../core/bytes/mod.ts";
import {
  CONSENT_MILLIS,
  FIRST_CHECK_MILLIS,
  GRACE_MILLIS,
  type IceEvent,
} from "../../../../core/session/webrtc/ice_lite.ts";
import { NO_CONSENT, TOO_MANY_PAIRS } from "../../../../core/session/webrtc/ice_refusal.ts";
import {
  Attr,
  attribute,
  BINDING_SUCCESS,
  decodeXorMappedAddress,
  hasIntegrity,
} from "../../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import {
  agent,
  drain,
  freshRequest,
  hmac,
  local,
  noMi,
  request,
  send,
  spoilt,
  transactionId,
  useCandidate,
} from "./ice_peer.ts";

describe("checks", () => {
  test("a valid check is answered with XOR-MAPPED-ADDRESS, integrity, FINGERPRINT and no USERNAME", () => {
    for (const host of ["192.0.2.33", "2001:db8::7"]) {
      const ice = agent();
      const from = { host, port: 40_000 };
      ice.handleInput({ pair: 3, transport: "udp", remote: from, bytes: request() }, 10);
      const answer = drain(ice).answers[0];
      assert.ok(answer && hasIntegrity(answer, hmac, nodeCrypto) && answer.fingerprinted);
      assert.equal(answer.type, BINDING_SUCCESS);
      assert.deepEqual(answer.transactionId, transactionId);
      assert.deepEqual(
        answer.attributes.map(({ type }) => type),
        [Attr.XorMappedAddress],
      );
      const value = attribute(answer, Attr.XorMappedAddress);
      assert.deepEqual(value && decodeXorMappedAddress(value, transactionId), from);
      assert.ok(ice.isValid(3));
    }
  });

  test("werift's check is accepted, and it reads our answer", () => {
    for (const host of ["192.0.2.33", "2001:db8:1:2:3:4:5:6"]) {
      const key = Buffer.from(local.pwd);
      const check = new Message(methods.BINDING, classes.REQUEST, Buffer.from(transactionId));
      check.setAttribute("USERNAME", "serverfr:werift");
      check.setAttribute("PRIORITY", 1_853_824_767);
      check.setAttribute("ICE-CONTROLLING", 81_985_529_216_486_895n);
      check.setAttribute("USE-CANDIDATE", null);
      check.addMessageIntegrity(key).addFingerprint();
      const ice = agent();
      const bytes = new Uint8Array(check.bytes);
      ice.handleInput({ pair: 1, transport: "tcp", remote: { host, port: 51_234 }, bytes }, 1);
      const out = ice.pollTransmit();
      assert.ok(out);
      const answer = parseMessage(Buffer.from(out.bytes), key);
      assert.ok(answer, "werift refuses the answer");
      assert.equal(answer.messageClass, classes.RESPONSE);
      assert.equal(answer.transactionIdHex, check.transactionIdHex);
      const [address, port] = answer.getAttributeValue("XOR-MAPPED-ADDRESS");
      assert.deepEqual([address, port], [host, 51_234]);
      assert.equal(ice.selected, 1);
      assert.equal(parseMessage(Buffer.from(spoilt(out.bytes, 20)), key), undefined);
    }
  });

  test("USE-CANDIDATE after MESSAGE-INTEGRITY does not nominate", () => {
    const ice = agent();
    const signed = request();
    const bytes = concat([
      signed.subarray(0, signed.length - 8),
      Uint8Array.of(0, Attr.UseCandidate, 0, 0),
    ]);
    putU16(bytes, 2, bytes.length - 20);
    const { answers, events } = send(ice, 1, bytes, 10);
    assert.equal(answers[0]?.type, BINDING_SUCCESS);
    assert.deepEqual(events, [{ type: "selected", pair: 1, nominated: false }]);
  });

  test("Chromium: two connections, both nominated, the second wins; DTLS starts before that", () => {
    const ice = agent();
    assert.deepEqual(send(ice, 1, request(), 0).events, [
      { type: "selected", pair: 1, nominated: false },
    ]);
    assert.deepEqual(send(ice, 2, request(), 1).events, [
      { type: "selected", pair: 2, nominated: false },
    ]);
    ice.handlePeerData(1, 2); // the ClientHello comes on the first
    assert.deepEqual(drain(ice).events, [{ type: "selected", pair: 1, nominated: false }]);
    assert.deepEqual(send(ice, 1, request(useCandidate), 50).events, [
      { type: "selected", pair: 1, nominated: true },
    ]);
    ice.handlePeerData(2, 51);
    assert.deepEqual(drain(ice).events, []);
    assert.deepEqual(send(ice, 2, request(useCandidate), 60).events, [
      { type: "selected", pair: 2, nominated: true },
    ]);
    assert.deepEqual(send(ice, 1, request(), 2_000).events, []); // a check that keeps it warm
    assert.equal(ice.selected, 2);
    assert.deepEqual(send(ice, 1, request(useCandidate), 3_000).events, [
      { type: "selected", pair: 1, nominated: true },
    ]);
  });

  test("Firefox: the only check nominates", () => {
    const ice = agent();
    assert.deepEqual(send(ice, 7, request(useCandidate), 0).events, [
      { type: "selected", pair: 7, nominated: true },
    ]);
    assert.deepEqual(send(ice, 7, request(), 4_200).events, []);
    assert.equal(ice.selected, 7);
  });

  test("when the selected pair closes, the one nominated before it carries on, else the last heard", () => {
    const ice = agent();
    send(ice, 1, request(useCandidate), 0);
    send(ice, 2, request(useCandidate), 1);
    send(ice, 3, request(), 2);
    send(ice, 4, request(), 3);
    const closed: IceEvent[] = [];
    for (const pair of [2, 1, 4]) {
      ice.handlePairClosed(pair, 10);
      closed.push(...drain(ice).events);
    }
    assert.deepEqual(closed, [
      { type: "selected", pair: 1, nominated: true },
      { type: "selected", pair: 4, nominated: false },
      { type: "selected", pair: 3, nominated: false },
    ]);
  });

  test("a session holds so many pairs: then the oldest never nominated goes, at last the one nominated longest ago", () => {
    const ice = agent(3);
    send(ice, 1, request(useCandidate), 1);
    send(ice, 2, request(), 2);
    send(ice, 3, request(), 3);
    const gone: unknown[] = [];
    for (const pair of [4, 5, 6, 7]) {
      for (const event of send(ice, pair, request(useCandidate), pair).events) {
        if (event.type === "close-pair") gone.push([event.pair, event.fault]);
      }
    }
    assert.deepEqual(
      gone,
      [2, 3, 1, 4].map((pair) => [pair, TOO_MANY_PAIRS]),
    );
    assert.deepEqual([...ice.validPairs()], [5, 6, 7]);
  });
});

test("a newcomer to a full session stays, though it is the only one never nominated", () => {
  const ice = agent(2);
  send(ice, 1, request(useCandidate), 1);
  send(ice, 2, request(useCandidate), 2);
  send(ice, 3, request(), 3);
  assert.deepEqual([...ice.validPairs()], [2, 3]);
});

describe("time", () => {
  test("a session that is never checked expires", () => {
    const ice = agent();
    assert.equal(ice.nextTimeout(), FIRST_CHECK_MILLIS);
    send(ice, 1, noMi, 5_000);
    ice.handleTimeout(FIRST_CHECK_MILLIS - 1);
    assert.deepEqual(drain(ice).events, []);
    ice.handleTimeout(FIRST_CHECK_MILLIS);
    assert.deepEqual(drain(ice).events, [{ type: "expired", reason: "unreached" }]);
    assert.equal(ice.nextTimeout(), NEVER);
    assert.deepEqual(send(ice, 1, request(), 40_000), { answers: [], events: [] });
  });

  test("when the last connection closes there is a grace, in which a new one resumes", () => {
    const ice = agent();
    send(ice, 1, request(useCandidate), 0);
    ice.handlePairClosed(1, 1_000);
    assert.equal(ice.selected, undefined);
    assert.equal(ice.nextTimeout(), 1_000 + GRACE_MILLIS);
    ice.handleTimeout(1_000 + GRACE_MILLIS - 1);
    assert.deepEqual(drain(ice).events, []);
    send(ice, 2, noMi, 5_000); // resumes nothing
    assert.equal(ice.nextTimeout(), 1_000 + GRACE_MILLIS);
    assert.deepEqual(send(ice, 3, request(useCandidate), 9_000).events, [
      { type: "selected", pair: 3, nominated: true },
    ]);
    assert.equal(ice.nextTimeout(), 9_000 + CONSENT_MILLIS);
    ice.handlePairClosed(3, 10_000);
    ice.handleTimeout(10_000 + GRACE_MILLIS);
    assert.deepEqual(drain(ice).events, [{ type: "expired", reason: "grace" }]);
    assert.ok(ice.expired);
  });

  test("closing a connection that was never valid starts no grace", () => {
    const ice = agent();
    ice.handlePairClosed(9, 1_000);
    assert.equal(ice.nextTimeout(), FIRST_CHECK_MILLIS);
    send(ice, 1, request(useCandidate), 2_000);
    ice.handlePairClosed(9, 3_000);
    assert.equal(ice.nextTimeout(), 2_000 + CONSENT_MILLIS);
  });

  test("without a valid check on any pair for 30 s consent expires, and half an hour of checks keeps it", () => {
    const ice = agent();
    let now = 0;
    for (; now < 1_800_000; now += 5_000) {
      ice.handleTimeout(now);
      assert.equal(
        send(ice, 1, now === 0 ? request(useCandidate) : request(), now).answers.length,
        1,
      );
    }
    const last = now - 5_000;
    assert.equal(ice.nextTimeout(), last + CONSENT_MILLIS);
    send(ice, 1, noMi, last + 29_000, "udp"); // no check
    ice.handlePeerData(1, last + 29_000); // no consent either
    drain(ice);
    ice.handleTimeout(ice.nextTimeout());
    assert.deepEqual(drain(ice).events, [
      { type: "close-pair", pair: 1, fault: NO_CONSENT },
      { type: "expired", reason: "consent" },
    ]);
    assert.equal(ice.selected, undefined);
  });

  test("a pair without consent is not used any more, the session goes on with the others", () => {
    const ice = agent();
    send(ice, 1, request(), 0);
    send(ice, 2, request(useCandidate), 10);
    for (let now = 5_000; now <= 25_000; now += 5_000) {
      send(ice, 1, request(), now);
      ice.handlePeerData(2, now); // no consent
      drain(ice);
    }
    ice.handleTimeout(10 + CONSENT_MILLIS);
    assert.deepEqual(drain(ice).events, [
      { type: "close-pair", pair: 2, fault: NO_CONSENT },
      { type: "selected", pair: 1, nominated: false },
    ]);
    assert.equal(ice.nextTimeout(), 25_000 + CONSENT_MILLIS);
  });

  test("who checks no more, as libnice, keeps consent by his media and reports, for 30 s from the last", () => {
    const ice = agent();
    send(ice, 1, request(useCandidate), 0);
    for (let now = 0; now <= 120_000; now += 6_000) {
      ice.handleTimeout(now);
      ice.handlePeerMedia(1, now);
    }
    assert.equal(ice.selected, 1);
    ice.handleTimeout(120_000 + CONSENT_MILLIS - 1);
    assert.equal(ice.nextTimeout(), 120_000 + CONSENT_MILLIS);
    ice.handleTimeout(ice.nextTimeout());
    assert.deepEqual(drain(ice).events, [
      { type: "close-pair", pair: 1, fault: NO_CONSENT },
      { type: "expired", reason: "consent" },
    ]);
  });

  test("a check that is repeated over UDP does not nominate again: our answer did not come through", () => {
    const ice = agent();
    const unanswered = freshRequest(useCandidate);
    send(ice, 1, unanswered, 0, "udp");
    send(ice, 2, freshRequest(useCandidate), 100, "tcp");
    for (const now of [200, 400, 800, 1600]) {
      assert.equal(send(ice, 1, unanswered, now, "udp").answers.length, 1);
      assert.equal(ice.selected, 2);
    }
    send(ice, 1, freshRequest(useCandidate), 2000, "udp");
    assert.equal(ice.selected, 1, "a new one does");
  });

  test("UDP and TCP pairs live side by side: no grace while one is left", () => {
    const ice = agent();
    send(ice, 1, request(), 0, "udp");
    send(ice, 2, request(useCandidate), 10, "tcp");
    ice.handlePairClosed(2, 20);
    assert.deepEqual(drain(ice).events, [{ type: "selected", pair: 1, nominated: false }]);
    assert.equal(ice.nextTimeout(), CONSENT_MILLIS);
  });

  test("consent expires at the timeout that was told, whatever fraction the clock has", () => {
    for (let i = 1; i < 200; i++) {
      const ice = agent();
      send(ice, 1, request(), i * 0.1 + i * i);
      ice.handleTimeout(ice.nextTimeout());
      assert.ok(ice.expired, `${i}`);
    }
  });
});
