import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hmacSourceSha256 } from "../../runtime/common/hmac_sha1.gen.ts";
import { HmacLanes } from "../../runtime/common/hmac_sha1.ts";
import { repository } from "../tools.ts";

const TAG_BYTES = 10;
const TRAILER_BYTES = 4;

function lanes(fewest = 1): HmacLanes {
  const opened = HmacLanes.open(fewest);
  assert.ok(opened);
  return opened;
}

/** Messages with room for a tag behind each, where the trailer stands first. */
function laidOut(sizes: readonly number[]) {
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size + TAG_BYTES, 0));
  const [from, to] = [new Uint32Array(sizes.length), new Uint32Array(sizes.length)];
  let at = 0;
  for (const [i, size] of sizes.entries()) {
    from[i] = at;
    to[i] = at + size;
    bytes.set(randomBytes(size + TRAILER_BYTES), at);
    at += size + TAG_BYTES;
  }
  return { bytes, from, to };
}

function checkTags(key: Uint8Array, sizes: readonly number[], one: HmacLanes): void {
  const { bytes, from, to } = laidOut(sizes);
  const before = bytes.slice();
  const states = one.prepare(key);
  assert.ok(one.tagAll(states, bytes, sizes.length, from, to, TRAILER_BYTES, TAG_BYTES));
  for (const [i, size] of sizes.entries()) {
    const start = from[i]!;
    const end = start + size;
    const message = before.subarray(start, end + TRAILER_BYTES);
    const mac = createHmac("sha1", key).update(message).digest();
    assert.deepEqual([...bytes.subarray(end, end + TAG_BYTES)], [...mac.subarray(0, TAG_BYTES)]);
    assert.deepEqual(bytes.subarray(start, end), before.subarray(start, end));
  }
}

test("tags of many messages are those of HMAC-SHA1 (RFC 2104), whatever their sizes", () => {
  const one = lanes();
  // Around the ends of blocks, where padding takes one more.
  for (let size = 0; size < 200; size++) checkTags(randomBytes(20), [size], one);
  for (let round = 0; round < 300; round++) {
    const sizes = Array.from({ length: randomInt(1, 12) }, () => randomInt(0, 1400));
    checkTags(randomBytes(randomInt(1, 65)), sizes, one);
  }
  checkTags(randomBytes(20), new Array(one.most).fill(12), one);
});

test("more than it holds, and few long ones, are left to who asked", () => {
  const one = lanes(3);
  const states = one.prepare(randomBytes(20));
  const tags = (sizes: readonly number[]): boolean => {
    const { bytes, from, to } = laidOut(sizes);
    const before = bytes.slice();
    const done = one.tagAll(states, bytes, sizes.length, from, to, TRAILER_BYTES, TAG_BYTES);
    if (!done) assert.deepEqual(bytes, before);
    return done;
  };
  assert.equal(tags([1200, 1200]), false);
  assert.equal(tags([1200, 1200, 1200]), true);
  assert.equal(tags([160]), true);
  assert.equal(tags(new Array(one.most + 1).fill(100)), false);
  assert.equal(tags(new Array(5).fill(one.dataBytes / 5)), false);
});

test("the embedded module is made of the source beside it (npm run hmac:build)", () => {
  const source = readFileSync(join(repository, "runtime/common/hmac_sha1.c"));
  assert.equal(createHash("sha256").update(source).digest("hex"), hmacSourceSha256);
});
