import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Fault, isFault } from "../../../../core/base/mod.ts";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import {
  BAD_INTEGRITY,
  encodeRefusal,
  NO_CREDENTIALS,
  ROLE_CONFLICT,
  UNKNOWN_ATTRIBUTE,
  UNKNOWN_METHOD,
  UNKNOWN_USER,
} from "../../../../core/session/webrtc/ice_refusal.ts";
import {
  Attr,
  attribute,
  BAD_FINGERPRINT,
  BINDING_ERROR,
  BINDING_INDICATION,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  decodeStun,
  decodeUnknownAttributes,
  encodeStun,
  hasIntegrity,
  NOT_STUN,
} from "../../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import {
  agent,
  codeOf,
  controlled,
  controlling,
  hmac,
  noMi,
  priority,
  request,
  send,
  spoilt,
  transactionId,
  useCandidate,
  username,
} from "./ice_peer.ts";

const wrongHmac = nodeCrypto.hmac("sha1", latin1Bytes("another password, as long as it is"));

/** A request, the answer over TCP (0 for none), and how it is counted. */
const refused: readonly [name: string, bytes: Uint8Array, code: number, fault: Fault][] = [
  ["a request without MESSAGE-INTEGRITY is answered 400", noMi, 400, NO_CREDENTIALS],
  [
    "a request without USERNAME is answered 400",
    encodeStun({ type: BINDING_REQUEST, transactionId, attributes: [controlling] }, hmac),
    400,
    NO_CREDENTIALS,
  ],
  [
    "a USERNAME over 513 bytes is answered 400",
    encodeStun(
      {
        type: BINDING_REQUEST,
        transactionId,
        attributes: [{ type: Attr.Username, value: latin1Bytes(`serverfr:${"x".repeat(505)}`) }],
      },
      hmac,
    ),
    400,
    NO_CREDENTIALS,
  ],
  [
    "a MESSAGE-INTEGRITY made with another password is answered 401",
    encodeStun({ type: BINDING_REQUEST, transactionId, attributes: [username] }, wrongHmac),
    401,
    BAD_INTEGRITY,
  ],
  [
    "a USERNAME for another ufrag is answered 401",
    encodeStun(
      {
        type: BINDING_REQUEST,
        transactionId,
        attributes: [{ type: Attr.Username, value: latin1Bytes("serverfrx:peer") }],
      },
      hmac,
    ),
    401,
    UNKNOWN_USER,
  ],
  [
    "unknown attributes and roles do not count before integrity: 400",
    encodeStun({
      type: BINDING_REQUEST,
      transactionId,
      attributes: [username, controlled, { type: 0x7fff, value: new Uint8Array(4) }],
    }),
    400,
    NO_CREDENTIALS,
  ],
  ["a message with a wrong FINGERPRINT is not STUN", spoilt(request(), 1), 0, BAD_FINGERPRINT],
  ["garbage is not STUN", new Uint8Array(40), 0, NOT_STUN],
];

describe("refusals", () => {
  for (const [name, bytes, code, fault] of refused) {
    test(`${name}, and the connection is closed`, () => {
      const ice = agent();
      const { answers, events } = send(ice, 1, bytes, 10);
      assert.deepEqual(events, [
        { type: "refused", pair: 1, fault },
        { type: "close-pair", pair: 1, fault },
      ]);
      assert.equal(answers.length, code === 0 ? 0 : 1);
      for (const answer of answers) {
        assert.equal(answer.type, BINDING_ERROR);
        assert.equal(codeOf(answer), code);
        assert.equal(answer.integrityAt, -1);
        assert.deepEqual(answer.transactionId, transactionId);
      }
      assert.ok(!ice.isValid(1));
      assert.equal(ice.selected, undefined);
    });

    test(`over UDP: ${name.replace(/ is answered.*/, "")}: not a byte goes out`, () => {
      const ice = agent();
      const { answers, events } = send(ice, 1, bytes, 10, "udp");
      assert.deepEqual(answers, []);
      assert.deepEqual(events, [{ type: "refused", pair: 1, fault }]);
      assert.ok(!ice.isValid(1));
    });
  }

  test("comprehension-required attributes we do not know are answered 420 with their list", () => {
    const ice = agent();
    const odd = { type: 0x7abc, value: new Uint8Array(2) };
    const { answers, events } = send(ice, 1, request(odd, useCandidate), 10);
    assert.deepEqual(events, [{ type: "refused", pair: 1, fault: UNKNOWN_ATTRIBUTE }]);
    const answer = answers[0];
    assert.ok(answer && hasIntegrity(answer, hmac, nodeCrypto) && answer.fingerprinted);
    assert.equal(codeOf(answer), 420);
    const list = attribute(answer, Attr.UnknownAttributes);
    assert.deepEqual(list && decodeUnknownAttributes(list), [0x7abc]);
    assert.equal(ice.selected, undefined);
  });

  for (const transport of ["tcp", "udp"] as const) {
    test(`a peer that says ICE-CONTROLLED is answered 487 over ${transport}`, () => {
      const ice = agent();
      const attributes = [username, controlled, priority];
      const bytes = encodeStun({ type: BINDING_REQUEST, transactionId, attributes }, hmac);
      const { answers, events } = send(ice, 1, bytes, 10, transport);
      assert.deepEqual(events, [{ type: "refused", pair: 1, fault: ROLE_CONFLICT }]);
      const answer = answers[0];
      assert.ok(answer && hasIntegrity(answer, hmac, nodeCrypto) && answer.fingerprinted);
      assert.equal(codeOf(answer), 487);
      assert.ok(!ice.isValid(1));
    });
  }

  test("a method other than Binding gets no answer", () => {
    const ice = agent();
    const bytes = encodeStun({ type: 0x0003, transactionId, attributes: [username] }, hmac);
    const { answers, events } = send(ice, 1, bytes, 10);
    assert.deepEqual(answers, []);
    assert.deepEqual(events, [{ type: "refused", pair: 1, fault: UNKNOWN_METHOD }]);
  });

  test("indications and responses get no answer and give no consent", () => {
    const ice = agent();
    for (const type of [BINDING_INDICATION, BINDING_SUCCESS, BINDING_ERROR]) {
      const bytes = encodeStun({ type, transactionId, attributes: [username, useCandidate] }, hmac);
      assert.deepEqual(send(ice, 1, bytes, 10), { answers: [], events: [] });
    }
    assert.ok(!ice.isValid(1));
  });

  test("a request for no session at all can be refused without a session", () => {
    const bytes = encodeRefusal(request(), UNKNOWN_USER);
    assert.ok(bytes);
    const answer = decodeStun(bytes);
    assert.ok(!isFault(answer) && answer.integrityAt < 0);
    assert.equal(codeOf(answer), 401);
    const attributes = [username];
    for (const bytes of [
      new Uint8Array(30),
      spoilt(request(), 1),
      encodeStun({ type: BINDING_INDICATION, transactionId, attributes }),
      encodeStun({ type: BINDING_ERROR, transactionId, attributes }), // no two servers answer each other
    ]) {
      assert.equal(encodeRefusal(bytes, UNKNOWN_USER), undefined);
    }
  });

  test("a forged check over UDP disturbs nothing on the pair it claims to be from", () => {
    const ice = agent();
    send(ice, 1, request(useCandidate), 10, "udp");
    send(ice, 1, noMi, 20, "udp");
    send(ice, 1, new Uint8Array(40), 30, "udp");
    assert.equal(ice.selected, 1);
  });

  test("garbage on one connection closes that pair only", () => {
    const ice = agent();
    send(ice, 1, request(), 10);
    send(ice, 2, request(useCandidate), 11);
    const { events } = send(ice, 2, new Uint8Array(40), 20);
    assert.deepEqual(events.slice(1), [
      { type: "close-pair", pair: 2, fault: NOT_STUN },
      { type: "selected", pair: 1, nominated: false },
    ]);
  });
});
