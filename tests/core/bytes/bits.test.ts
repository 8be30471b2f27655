import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BitReader } from "../../../core/bytes/mod.ts";

test("bits come most significant first, and zeros behind the end", () => {
  const bits = new BitReader(Uint8Array.of(0xff, 0xa5, 0x0f, 0xff), 1, 3);
  assert.equal(bits.bits(4), 0xa);
  assert.equal(bits.flag(), false);
  bits.skip(2);
  assert.equal(bits.bit(), 1);
  assert.equal(bits.bits(8), 0x0f);
  assert.equal(bits.overrun, false);
  assert.equal(bits.bits(32), 0);
  assert.equal(bits.overrun, true);
});

test("ITU-T H.264 §9.1: Exp-Golomb codes", () => {
  // 1 010 011 00100 00101 00110 00111 0001000
  const bits = new BitReader(
    Uint8Array.of(0b10100110, 0b01000010, 0b10011000, 0b11100010, 0b00000000),
  );
  assert.deepEqual(
    Array.from({ length: 8 }, () => bits.ue()),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  const signed = new BitReader(Uint8Array.of(0b10100110, 0b01000010, 0b10000000));
  assert.deepEqual(
    Array.from({ length: 5 }, () => signed.se()),
    [0, 1, -1, 2, -2],
  );
});

test("a code of more than 31 zeros, or one that is cut off, is an overrun", () => {
  const long = new BitReader(Uint8Array.of(0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff));
  assert.equal(long.ue(), 0);
  assert.ok(long.overrun);
  const largest = new BitReader(Uint8Array.of(0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe));
  assert.equal(largest.ue(), 2 ** 32 - 2);
  assert.ok(!largest.overrun);
  const cut = new BitReader(Uint8Array.of(0x08));
  cut.ue();
  assert.ok(cut.overrun);
});

test("reading in pieces gives the number that the bits spell", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.nat(32), (bytes, split) => {
      const whole = new BitReader(bytes).bits(32);
      const bits = new BitReader(bytes);
      assert.equal(bits.bits(split) * 2 ** (32 - split) + bits.bits(32 - split), whole);
    }),
    { seed: 9, numRuns: 200 },
  );
});
