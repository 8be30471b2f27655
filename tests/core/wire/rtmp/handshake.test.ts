import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import {
  answerHandshake,
  HANDSHAKE_BYTES,
  hasServerDigest,
  makeC0C1,
} from "../../../../core/wire/rtmp/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";

test("a simple C1 is answered with version 3, a time, and C1 again (RTMP 1.0 §5.2)", () => {
  const c1 = makeC0C1(nodeCrypto, false).subarray(1);
  const answer = answerHandshake(c1, nodeCrypto);
  assert.equal(answer.length, 1 + 2 * HANDSHAKE_BYTES);
  assert.equal(answer[0], 3);
  assert.deepEqual(answer.subarray(5, 9), new Uint8Array(4));
  assert.deepEqual(answer.subarray(1 + HANDSHAKE_BYTES), c1);
});

test("a C1 with a digest is answered with one of the server, whichever block it is in", () => {
  for (const block of [772, 8]) {
    const c1 = withDigest(block);
    const answer = answerHandshake(c1, nodeCrypto);
    const s1 = answer.subarray(1, 1 + HANDSHAKE_BYTES);
    assert.ok(hasServerDigest(s1, nodeCrypto));
    assert.notDeepEqual(answer.subarray(1 + HANDSHAKE_BYTES), c1);
    // S2 ends with a proof that hangs on C1's digest.
    const at = digestAt(c1, block);
    const whole = Buffer.concat([Buffer.from("Genuine Adobe Flash Media Server 001"), SUFFIX]);
    const key = createHmac("sha256", whole)
      .update(c1.subarray(at, at + 32))
      .digest();
    const s2 = answer.subarray(1 + HANDSHAKE_BYTES);
    const proof = createHmac("sha256", key)
      .update(s2.subarray(0, HANDSHAKE_BYTES - 32))
      .digest();
    assert.deepEqual(Buffer.from(s2.subarray(HANDSHAKE_BYTES - 32)), proof);
  }
});

test("a version without a right digest gets the simple answer, as nginx-rtmp gives it", () => {
  const c1 = withDigest(8);
  c1[1000] = (c1[1000] ?? 0) ^ 1;
  assert.deepEqual(answerHandshake(c1, nodeCrypto).subarray(1 + HANDSHAKE_BYTES), c1);
});

const SUFFIX = Buffer.from(
  "f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae",
  "hex",
);

/** C1 made here, by node:crypto alone. */
function withDigest(block: number): Uint8Array {
  const c1 = nodeCrypto.random(HANDSHAKE_BYTES);
  c1.set([0, 0, 0, 0, 9, 0, 124, 2], 0);
  const at = digestAt(c1, block);
  const digest = createHmac("sha256", "Genuine Adobe Flash Player 001")
    .update(c1.subarray(0, at))
    .update(c1.subarray(at + 32))
    .digest();
  c1.set(digest, at);
  return c1;
}

function digestAt(c1: Uint8Array, block: number): number {
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += c1[block + i] ?? 0;
  return block + 4 + (sum % 728);
}
