import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { difference16, difference32, extendIndex } from "../../../../core/wire/rtp/mod.ts";

/** The pseudocode of RFC 3711 Appendix A, word for word. */
function appendixA(rolloverCounter: number, highest: number, sequenceNumber: number): number {
  let v = rolloverCounter;
  if (highest < 32768) {
    if (sequenceNumber - highest > 32768) v = rolloverCounter - 1;
  } else if (highest - 32768 > sequenceNumber) v = rolloverCounter + 1;
  return v * 65536 + sequenceNumber;
}

describe("RFC 3711 Appendix A: index estimation", () => {
  test("agrees with the pseudocode, also near 2^48", () => {
    const edge = fc.constantFrom(0, 1, 32767, 32768, 32769, 65534, 65535);
    const seq = fc.oneof(edge, fc.nat(65535));
    fc.assert(
      fc.property(fc.oneof(fc.nat(5), fc.nat(0xffffffff)), seq, seq, (roc, highest, next) => {
        assert.equal(extendIndex(roc * 65536 + highest, next), appendixA(roc, highest, next));
      }),
      { seed: 3, numRuns: 5000 },
    );
  });

  test("a packet from before index 0 is negative", () => {
    assert.equal(extendIndex(5, 65530), -6);
    assert.equal(extendIndex(-6, 5), 5);
  });
});

test("RFC 1982: later means less than half the circle ahead", () => {
  assert.equal(difference16(0, 65535), 1);
  assert.equal(difference16(65535, 0), -1);
  assert.equal(difference16(32767, 0), 32767);
  assert.equal(difference16(32768, 0), -32768);
  assert.equal(difference32(1, 0xffffffff), 2);
  assert.equal(difference32(0xffffffff, 1), -2);
});
