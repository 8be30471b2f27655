import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../../core/base/mod.ts";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import * as amf0 from "../../../../core/wire/amf0/mod.ts";

const { decodeAmf0, encodeAmf0, encodeEcmaArray } = amf0;
const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** librtmp's connect, as ffmpeg sends it, shortened. */
const CONNECT = hex(
  "02 0007 636f6e6e656374 00 3ff0000000000000" +
    "03 0003 617070 02 0004 6c697665 0004 74797065 02 000a 6e6f6e70726976617465 0000 09",
);

test("a command of an encoder is name, transaction and object", () => {
  const values = decodeAmf0(CONNECT);
  assert.ok(!isFault(values), String(values));
  assert.equal(values[0], "connect");
  assert.equal(values[1], 1);
  assert.deepEqual(
    [...(values[2] as amf0.Amf0Object)],
    [
      ["app", "live"],
      ["type", "nonprivate"],
    ],
  );
});

test("each type is read by its marker (AMF0 §2.1)", () => {
  for (const [bytes, value] of [
    ["00 4045000000000000", 42],
    ["01 01", true],
    ["01 00", false],
    ["02 0003 c3a962", "éb"],
    ["05", null],
    ["06", undefined],
    ["0a 00000002 05 0101", [null, true]],
    ["0b 4271f71fb04cb000 0000", 1234567890123],
    ["0c 00000002 6162", "ab"],
    ["0d", undefined],
    ["0f 00000002 6162", "ab"],
  ] as const) {
    assert.deepEqual(decodeAmf0(hex(bytes)), [value], bytes);
  }
  const typed = decodeAmf0(hex("10 0001 78 0001 61 05 0000 09"));
  assert.ok(!isFault(typed));
  assert.deepEqual([...(typed[0] as amf0.Amf0Object)], [["a", null]]);
  const array = decodeAmf0(hex("08 00000063 0001 61 0101 0000 09"));
  assert.ok(!isFault(array));
  assert.deepEqual([...(array[0] as amf0.Amf0Object)], [["a", true]], "the count is a hint");
});

test("a value that is cut is a fault at every length", () => {
  for (let length = 1; length < CONNECT.length; length++) {
    const decoded = decodeAmf0(CONNECT.subarray(0, length));
    if (length === 10 || length === 19) continue; // between two values
    assert.equal(decoded, amf0.TRUNCATED, `cut to ${length}`);
  }
});

test("depth, count and length have bounds", () => {
  const deep = new Uint8Array(4000);
  for (let at = 0; at + 4 < deep.length; at += 4) deep.set([3, 0, 1, 97], at);
  assert.equal(decodeAmf0(deep), amf0.TOO_DEEP);
  assert.equal(decodeAmf0(new Uint8Array(amf0.VALUES_MAX + 1).fill(5)), amf0.TOO_MANY_VALUES);
  assert.equal(decodeAmf0(hex("0a ffffffff")), amf0.TOO_MANY_VALUES);
  assert.equal(decodeAmf0(hex("0c 00010001 00")), amf0.STRING_TOO_LONG);
  assert.equal(decodeAmf0(hex("07 0001")), amf0.UNKNOWN_MARKER);
});

test("a member called __proto__ is one like any other", () => {
  const values = decodeAmf0(
    hex(`03 0009 ${Buffer.from("__proto__").toString("hex")} 0101 0000 09`),
  );
  assert.ok(!isFault(values));
  assert.equal((values[0] as amf0.Amf0Object).get("__proto__"), true);
  assert.equal(({} as Record<string, unknown>)["true"], undefined);
});

const value = fc.letrec<{ value: amf0.Amf0Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.string({ unit: "grapheme" }),
    fc.constant(null),
    fc.constant(undefined),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.string({ minLength: 1 }), tie("value")), { maxLength: 4 })
      .map((members) => new Map(members)),
  ),
})).value;

test("what is encoded is decoded to the same", () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), (values) => {
      assert.deepEqual(decodeAmf0(encodeAmf0(...values)), values);
    }),
    { seed: 17, numRuns: 300 },
  );
});

test("a string of more than 65,535 bytes becomes a long string", () => {
  const text = "x".repeat(amf0.STRING_MAX_BYTES);
  const bytes = encodeAmf0(text);
  assert.equal(bytes[0], amf0.Marker.LongString);
  assert.deepEqual(decodeAmf0(bytes), [text]);
});

test("metadata is an ECMA array with its count", () => {
  const bytes = encodeEcmaArray(new Map([["width", 640]]));
  assert.deepEqual(bytes.subarray(0, 5), Uint8Array.of(8, 0, 0, 0, 1));
  assert.deepEqual(decodeAmf0(bytes), [new Map([["width", 640]])]);
});

test("no bytes make it throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodeAmf0(bytes);
    }),
    { seed: 18, numRuns: 2000 },
  );
  for (let at = 0; at < CONNECT.length * 8; at++) {
    const flipped = CONNECT.slice();
    flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7));
    decodeAmf0(flipped);
  }
  assert.deepEqual(decodeAmf0(latin1Bytes("")), []);
});
