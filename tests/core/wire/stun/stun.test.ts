import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../../core/base/mod.ts";
import {
  concat,
  crc32,
  latin1,
  latin1Bytes,
  parseIp,
  putU16,
  putU32,
  u32,
  utf8,
} from "../../../../core/bytes/mod.ts";
import {
  Attr,
  attribute,
  BAD_ERROR_CODE,
  BAD_FINGERPRINT,
  BAD_LENGTH,
  BINDING_ERROR,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  decodeErrorCode,
  decodeStun,
  decodeUnknownAttributes,
  decodeXorMappedAddress,
  encodeErrorCode,
  encodeStun,
  encodeUnknownAttributes,
  encodeXorMappedAddress,
  hasIntegrity,
  MAX_ATTRIBUTES,
  NOT_STUN,
  peekLocalUfrag,
  peekUsername,
  type StunMessage,
  stunClass,
  TOO_MANY_ATTRIBUTES,
  TRUNCATED,
  unknownRequired,
} from "../../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { vector } from "../../../vector.ts";

const PASSWORD = latin1Bytes("VOkJxbRl1RmTxUk/WvJxBt");
const hmac = nodeCrypto.hmac("sha1", PASSWORD);
const transactionId = Uint8Array.from({ length: 12 }, (_, i) => i + 1);

function decoded(bytes: Uint8Array): StunMessage {
  const message = decodeStun(bytes);
  assert.ok(!isFault(message), String(message));
  return message;
}

function text(message: StunMessage, type: number): string {
  const value = attribute(message, type);
  assert.ok(value);
  return latin1(value);
}

describe("vectors of RFC 5769", () => {
  test("§2.1 request", () => {
    const message = decoded(vector("stun_request"));
    assert.equal(message.type, BINDING_REQUEST);
    assert.equal(stunClass(message.type), "request");
    assert.equal(text(message, Attr.Software), "STUN test client");
    assert.equal(text(message, Attr.Username), "evtj:h6vY");
    assert.equal(u32(attribute(message, Attr.Priority)!, 0), 0x6e0001ff);
    assert.equal(attribute(message, Attr.IceControlled)?.length, 8);
    assert.ok(message.fingerprinted);
    assert.ok(hasIntegrity(message, hmac, nodeCrypto));
    assert.ok(!hasIntegrity(message, nodeCrypto.hmac("sha1", latin1Bytes("wrong")), nodeCrypto));
    assert.equal(peekUsername(message.bytes), "evtj:h6vY");
    assert.equal(peekLocalUfrag(message.bytes), "evtj");
  });

  for (const [name, host] of [
    ["stun_response_ipv4", "192.0.2.1"],
    ["stun_response_ipv6", "2001:db8:1234:5678:11:2233:4455:6677"],
  ] as const) {
    test(`§2.2 and §2.3 response, ${host}`, () => {
      const message = decoded(vector(name));
      assert.equal(message.type, BINDING_SUCCESS);
      assert.equal(text(message, Attr.Software), "test vector");
      assert.ok(hasIntegrity(message, hmac, nodeCrypto));
      const value = attribute(message, Attr.XorMappedAddress)!;
      assert.deepEqual(decodeXorMappedAddress(value, message.transactionId), { host, port: 32853 });
      const again = encodeXorMappedAddress({ host, port: 32853 }, message.transactionId);
      assert.deepEqual(again.value, new Uint8Array(value));
    });
  }

  test("§2.4 request with long-term authentication", () => {
    const message = decoded(vector("stun_long_term_request"));
    const user = utf8(attribute(message, Attr.Username)!);
    assert.equal(user, "\u30de\u30c8\u30ea\u30c3\u30af\u30b9");
    assert.equal(text(message, Attr.Realm), "example.org");
    assert.ok(!message.fingerprinted);
    const key = nodeCrypto.hash(
      "md5",
      attribute(message, Attr.Username)!,
      latin1Bytes(":example.org:TheMatrIX"),
    );
    assert.ok(hasIntegrity(message, nodeCrypto.hmac("sha1", key), nodeCrypto));
  });

  test("the request comes out of the encoder but for its padding bytes", () => {
    const bytes = vector("stun_request");
    const { type, transactionId, attributes } = decoded(bytes);
    const made = encodeStun({ type, transactionId, attributes }, hmac);
    assert.equal(made.length, bytes.length);
    assert.deepEqual(made.subarray(0, 72), bytes.subarray(0, 72)); // USERNAME ends there
    assert.ok(hasIntegrity(decoded(made), hmac, nodeCrypto));
  });
});

describe("decoding", () => {
  const request = vector("stun_request");

  test("a message cut at any length is a fault", () => {
    for (let length = 0; length < request.length; length++) {
      const fault = decodeStun(request.subarray(0, length));
      assert.equal(fault, length < 20 ? TRUNCATED : BAD_LENGTH);
      assert.equal(peekUsername(request.subarray(0, length)), undefined);
    }
    assert.equal(decodeStun(concat([request, new Uint8Array(4)])), BAD_LENGTH);
  });

  test("no message with a bit flipped passes FINGERPRINT", () => {
    let withoutFingerprint = 0;
    for (let bit = 0; bit < request.length * 8; bit++) {
      const bytes = request.slice();
      bytes[bit >> 3]! ^= 0x80 >> (bit & 7);
      const message = decodeStun(bytes);
      if (isFault(message)) continue;
      assert.ok(!message.fingerprinted, `bit ${bit}`);
      withoutFingerprint += 1;
    }
    // 16 bits of its type, and a bit of the length of USERNAME that swallows all that follows.
    assert.equal(withoutFingerprint, 17);
  });

  test("without FINGERPRINT any flipped bit spoils MESSAGE-INTEGRITY or the form", () => {
    const bare = request.slice(0, request.length - 8);
    putU16(bare, 2, bare.length - 20);
    assert.ok(hasIntegrity(decoded(bare), hmac, nodeCrypto));
    for (let bit = 0; bit < bare.length * 8; bit++) {
      const bytes = bare.slice();
      bytes[bit >> 3]! ^= 0x80 >> (bit & 7);
      const message = decodeStun(bytes);
      assert.ok(isFault(message) || !hasIntegrity(message, hmac, nodeCrypto), `bit ${bit}`);
    }
  });

  test("FINGERPRINT must be the last attribute", () => {
    const draft = { type: BINDING_REQUEST, transactionId, attributes: [] };
    const bytes = concat([encodeStun(draft), Uint8Array.of(0, 0x25, 0, 0)]);
    putU16(bytes, 2, bytes.length - 20);
    const at = bytes.length - 12;
    putU32(bytes, at + 4, crc32(bytes, 0, at) ^ 0x5354554e); // right but for its place
    assert.equal(decodeStun(bytes), BAD_FINGERPRINT);
  });

  test("a FINGERPRINT of another length than 4 is wrong", () => {
    const bytes = concat([
      encodeStun({ type: BINDING_REQUEST, transactionId, attributes: [] }),
      new Uint8Array(4),
    ]);
    putU16(bytes, 2, 12);
    putU16(bytes, 22, 8);
    putU32(bytes, 24, crc32(bytes, 0, 20) ^ 0x5354554e);
    assert.equal(decodeStun(bytes), BAD_FINGERPRINT);
  });

  test("attributes after MESSAGE-INTEGRITY are ignored", () => {
    const signed = encodeStun({ type: BINDING_REQUEST, transactionId, attributes: [] }, hmac);
    const bytes = concat([
      signed.subarray(0, 44),
      Uint8Array.of(0, Attr.UseCandidate, 0, 0),
      Uint8Array.of(0, Attr.Username, 0, 4, 0x61, 0x3a, 0x62, 0x63),
    ]);
    putU16(bytes, 2, bytes.length - 20);
    const message = decoded(bytes);
    assert.deepEqual(message.attributes, []);
    assert.ok(hasIntegrity(message, hmac, nodeCrypto));
    assert.equal(peekUsername(bytes), undefined);
  });

  test("of an attribute that comes twice the first counts", () => {
    const name = (text: string) => ({ type: Attr.Username, value: latin1Bytes(text) });
    const attributes = [name("first:x"), name("second:x")];
    const bytes = encodeStun({ type: BINDING_REQUEST, transactionId, attributes });
    assert.equal(text(decoded(bytes), Attr.Username), "first:x");
    assert.equal(peekLocalUfrag(bytes), "first");
  });

  test("comprehension-required attributes that nobody knows are listed, others are not", () => {
    const empty = (type: number) => ({ type, value: new Uint8Array(0) });
    const attributes = [0x7fff, Attr.UseCandidate, 0x8000, 0x0002, 0xc057, 0x7fff].map(empty);
    const message = decoded(encodeStun({ type: BINDING_REQUEST, transactionId, attributes }));
    assert.deepEqual(unknownRequired(message), [0x7fff, 0x0002]);
  });

  test("a message of nothing but attributes is bounded", () => {
    const bytes = new Uint8Array(20 + 4 * (MAX_ATTRIBUTES + 1));
    bytes.set(request.subarray(0, 20));
    putU16(bytes, 2, bytes.length - 20);
    assert.equal(decodeStun(bytes), TOO_MANY_ATTRIBUTES);
    assert.equal(peekUsername(bytes), undefined);
  });

  test("the first two bits and the cookie tell STUN from others", () => {
    for (const [at, value] of [
      [0, 0x40],
      [0, 0x80],
      [4, 0x20],
    ] as const) {
      const bytes = request.slice();
      bytes[at] = value;
      assert.equal(decodeStun(bytes), NOT_STUN);
    }
  });

  test("a USERNAME over 513 bytes is not looked up", () => {
    for (const [size, found] of [
      [513, true],
      [514, false],
    ] as const) {
      const value = new Uint8Array(size).fill(0x61);
      const attributes = [{ type: Attr.Username, value }];
      const bytes = encodeStun({ type: BINDING_REQUEST, transactionId, attributes });
      assert.equal(peekUsername(bytes) !== undefined, found);
    }
  });

  test("the ufrag is what stands before the first colon, and not nothing", () => {
    for (const [name, ufrag] of [
      ["ab:cd", "ab"],
      ["ab:cd:ef", "ab"],
      [":cd", undefined],
      ["abcd", undefined],
      ["", undefined],
    ] as const) {
      const attributes = [{ type: Attr.Username, value: latin1Bytes(name) }];
      const bytes = encodeStun({ type: BINDING_REQUEST, transactionId, attributes });
      assert.equal(peekLocalUfrag(bytes), ufrag);
    }
  });

  test("any bytes behind a right header never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        const body = tail.subarray(0, tail.length & ~3);
        const bytes = concat([request.subarray(0, 20), body]);
        putU16(bytes, 2, body.length);
        const message = decodeStun(bytes);
        if (!isFault(message)) hasIntegrity(message, hmac, nodeCrypto);
        peekUsername(bytes);
      }),
      { seed: 8489, numRuns: 500 },
    );
  });

  test("what is encoded is decoded", () => {
    const anyAttribute = fc
      .tuple(fc.integer({ min: 0x9000, max: 0xffff }), fc.uint8Array({ maxLength: 40 }))
      .map(([type, value]) => ({ type, value }));
    fc.assert(
      fc.property(fc.array(anyAttribute, { maxLength: 8 }), fc.boolean(), (attributes, signed) => {
        const draft = { type: BINDING_SUCCESS, transactionId, attributes };
        const message = decoded(encodeStun(draft, signed ? hmac : undefined));
        assert.deepEqual(message.attributes, attributes);
        assert.deepEqual(message.transactionId, transactionId);
        assert.ok(message.fingerprinted);
        assert.equal(hasIntegrity(message, hmac, nodeCrypto), signed);
      }),
      { seed: 8489, numRuns: 100 },
    );
  });
});

describe("attributes", () => {
  test("ERROR-CODE has its hundreds and its rest apart", () => {
    const { value } = encodeErrorCode(487, "Role Conflict");
    assert.deepEqual(value.subarray(0, 4), Uint8Array.of(0, 0, 4, 87));
    assert.deepEqual(decodeErrorCode(value), { code: 487, reason: "Role Conflict" });
    for (const bad of [
      [0, 0, 4],
      [0, 0, 2, 1],
      [0, 0, 7, 1],
      [0, 0, 4, 100],
    ]) {
      assert.equal(decodeErrorCode(Uint8Array.from(bad)), BAD_ERROR_CODE);
    }
  });

  test("UNKNOWN-ATTRIBUTES is a list of types", () => {
    const bytes = encodeStun({
      type: BINDING_ERROR,
      transactionId,
      attributes: [encodeUnknownAttributes([0x7fff, 2, 3])],
    });
    const value = attribute(decoded(bytes), Attr.UnknownAttributes)!;
    assert.deepEqual(decodeUnknownAttributes(value), [0x7fff, 2, 3]);
    assert.equal(decodeUnknownAttributes(Uint8Array.of(1)), BAD_LENGTH);
  });

  test("any address survives XOR-MAPPED-ADDRESS", () => {
    const anyHost = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(anyHost, fc.integer({ min: 0, max: 65535 }), (host, port) => {
        const { value } = encodeXorMappedAddress({ host, port }, transactionId);
        const back = decodeXorMappedAddress(value, transactionId);
        assert.ok(!isFault(back));
        assert.equal(back.port, port);
        assert.deepEqual(parseIp(back.host), parseIp(host));
        for (let length = 0; length < value.length; length++) {
          assert.ok(isFault(decodeXorMappedAddress(value.subarray(0, length), transactionId)));
        }
      }),
      { seed: 8489, numRuns: 200 },
    );
  });
});
