import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  MAX_MESSAGES_AHEAD,
  MAX_REASSEMBLY_BYTES,
  Reassembly,
} from "../../../../../core/session/webrtc/dtls/reassembly.ts";

const body = Uint8Array.from({ length: 60 }, (_, i) => i);

function piece(offset: number, size: number, messageSeq = 0, of = body, type = 11) {
  return { type, length: of.length, messageSeq, offset, body: of.subarray(offset, offset + size) };
}

describe("a message is put together (RFC 6347 §4.2.3)", () => {
  test("out of pieces that overlap, repeat and come in any order", () => {
    const pieces = fc.array(fc.tuple(fc.nat(59), fc.nat(60)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(pieces, (cuts) => {
        const reassembly = new Reassembly();
        const present = new Set<number>();
        for (const [offset, size] of cuts) {
          const part = piece(offset, Math.min(size, 60 - offset));
          assert.ok(reassembly.insert(part));
          for (let i = 0; i < part.body.length; i++) present.add(offset + i);
          const whole = reassembly.peek();
          assert.equal(whole !== undefined, present.size === 60);
          if (whole !== undefined) assert.deepEqual(whole.body, body);
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  test("out of bytes one by one, and the next one only after it", () => {
    const reassembly = new Reassembly();
    assert.ok(reassembly.insert(piece(0, 60, 1)));
    assert.equal(reassembly.peek(), undefined);
    for (let at = 59; at >= 0; at--) {
      assert.equal(reassembly.peek(), undefined);
      reassembly.insert(piece(at, 1, 0));
    }
    assert.equal(reassembly.peek()?.messageSeq, 0);
    reassembly.advance();
    assert.equal(reassembly.peek()?.messageSeq, 1);
    reassembly.advance();
    assert.equal(reassembly.peek(), undefined);
    assert.equal(reassembly.bytes, 0);
    assert.equal(reassembly.next, 2);
  });

  test("an empty one needs one empty fragment", () => {
    const reassembly = new Reassembly();
    reassembly.insert(piece(0, 0, 0, new Uint8Array(0)));
    assert.equal(reassembly.peek()?.body.length, 0);
  });

  test("the newest fragment wins, so that a retransmission heals what was forged", () => {
    const reassembly = new Reassembly();
    reassembly.insert(piece(0, 30, 0, new Uint8Array(61)));
    reassembly.insert(piece(0, 30, 0, new Uint8Array(60), 12));
    reassembly.insert(piece(0, 30, 0, new Uint8Array(60).fill(9)));
    reassembly.insert(piece(0, 20));
    reassembly.insert(piece(20, 40));
    assert.deepEqual(reassembly.peek()?.body, body);
    assert.equal(reassembly.peek()?.type, 11);
  });
});

describe("memory is bounded", () => {
  const large = new Uint8Array(32_768);

  test("messages more than seven ahead are passed over", () => {
    const reassembly = new Reassembly();
    reassembly.insert(piece(0, 60, MAX_MESSAGES_AHEAD));
    assert.equal(reassembly.bytes, 0);
    reassembly.insert(piece(0, 60, MAX_MESSAGES_AHEAD - 1));
    assert.equal(reassembly.bytes, 60);
  });

  test("a nearer message takes the room of farther ones, never the other way round", () => {
    const reassembly = new Reassembly();
    reassembly.insert(piece(0, 1, 4, large));
    reassembly.insert(piece(0, 1, 3, large));
    assert.equal(reassembly.bytes, MAX_REASSEMBLY_BYTES);
    reassembly.insert(piece(0, 1, 5));
    assert.equal(reassembly.bytes, MAX_REASSEMBLY_BYTES);
    reassembly.insert(piece(0, 60, 0));
    assert.equal(reassembly.bytes, 32_768 + 60);
    assert.deepEqual(reassembly.peek()?.body, body);
    reassembly.insert(piece(0, 1, 1, large));
    assert.equal(reassembly.bytes, 32_768 + 60);
  });

  test("a message of more than 32 KB is refused", () => {
    const reassembly = new Reassembly();
    assert.equal(reassembly.insert(piece(0, 1, 0, new Uint8Array(32_769))), false);
    assert.equal(reassembly.bytes, 0);
  });

  test("a dropped message can come again", () => {
    const reassembly = new Reassembly();
    reassembly.insert(piece(0, 60));
    reassembly.drop();
    assert.equal(reassembly.bytes, 0);
    assert.equal(reassembly.peek(), undefined);
    reassembly.insert(piece(0, 60));
    assert.deepEqual(reassembly.peek()?.body, body);
  });
});
