import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createCipheriv, createHash, createHmac, randomBytes, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  LANE_JOB_WORDS,
  LANE_NO_PACKET,
  LANE_PACKET_WORDS,
  LANE_STATE_WORDS,
} from "../../core/base/srtp_lanes.ts";
import { lanesSourceSha256 } from "../../runtime/common/srtp_lanes.gen.ts";
import { WasmSrtpLanes } from "../../runtime/common/srtp_lanes.ts";
import { repository } from "../tools.ts";

const HEADER_BYTES = 12;
const TAG_BYTES = 10;

function open(): WasmSrtpLanes {
  const opened = WasmSrtpLanes.open();
  assert.ok(opened);
  return opened;
}

/** Puts packets of these payloads for viewers with these keys, without frames; returns where each lies. */
function fill(lanes: WasmSrtpLanes, keys: readonly Uint8Array[], sizes: readonly number[]) {
  const { packets, jobs, plain, keystream, states } = lanes;
  // In scratch memory of the plaintexts: all keys before those.
  for (const [viewer, key] of keys.map((key) => lanes.prepare(key)).entries()) {
    states.set(key, viewer * LANE_STATE_WORDS);
  }
  let at = 0;
  for (const [i, size] of sizes.entries()) {
    plain.set(randomBytes(HEADER_BYTES + size), at);
    packets.set([at, HEADER_BYTES, HEADER_BYTES + size, 0], i * LANE_PACKET_WORDS);
    at += HEADER_BYTES + size;
  }
  const places: number[] = [];
  let out = 0;
  let key = 0;
  for (const viewer of keys.keys()) {
    for (const [i, size] of sizes.entries()) {
      const job = [out, key, i, viewer, 7, 0, 96, 0];
      jobs.set(job, (viewer * sizes.length + i) * LANE_JOB_WORDS);
      keystream.set(randomBytes(size), key);
      places.push(out);
      out += HEADER_BYTES + size + TAG_BYTES;
      key += (size + 15) & ~15;
    }
  }
  return places;
}

function check(lanes: WasmSrtpLanes, keys: readonly Uint8Array[], sizes: readonly number[]): void {
  const places = fill(lanes, keys, sizes);
  const plain = lanes.plain.slice();
  lanes.seal(keys.length, sizes.length, false);
  assert.deepEqual(lanes.plain, plain);
  for (const [job, place] of places.entries()) {
    const viewer = Math.floor(job / sizes.length);
    const packet = job % sizes.length;
    const [from = 0, , bytes = 0] = lanes.packets.subarray(packet * LANE_PACKET_WORDS);
    const key = lanes.jobs[job * LANE_JOB_WORDS + 1] ?? 0;
    const end = place + bytes;
    for (let i = HEADER_BYTES; i < bytes; i++) {
      const expected = plain[from + i]! ^ lanes.keystream[key + i - HEADER_BYTES]!;
      assert.equal(lanes.out[place + i], expected);
    }
    const rollover = new Uint8Array([0, 0, 0, viewer]);
    const mac = createHmac("sha1", keys[viewer]!).update(lanes.out.subarray(place, end));
    const tag = mac.update(rollover).digest().subarray(0, TAG_BYTES);
    assert.deepEqual([...lanes.out.subarray(end, end + TAG_BYTES)], [...tag]);
  }
}

const newKeys = (count: number): Uint8Array[] =>
  Array.from({ length: count }, () => new Uint8Array(randomBytes(20)));

test("payloads are XORed with their keystream, tags are those of HMAC-SHA1 (RFC 2104), whatever the sizes", () => {
  const lanes = open();
  // Around the ends of blocks, where padding takes one more.
  for (let size = 0; size < 140; size++) check(lanes, newKeys(1), [size]);
  for (let size = 0; size < 140; size++) check(lanes, newKeys(3), [size, 139 - size]);
  for (let round = 0; round < 60; round++) {
    const sizes = Array.from({ length: randomInt(1, 8) }, () => randomInt(0, 1400));
    check(lanes, newKeys(randomInt(1, 10)), sizes);
  }
});

test("a job without a packet is left out, and nothing is written for it", () => {
  const lanes = open();
  const places = fill(lanes, newKeys(3), [100]);
  lanes.jobs[LANE_JOB_WORDS + 6] = LANE_NO_PACKET;
  lanes.out.fill(0);
  lanes.seal(3, 1, false);
  const written = places.map((at) => lanes.out.subarray(at, at + 122).some((byte) => byte !== 0));
  assert.deepEqual(written, [true, false, true]);
});

test("RFC 3711 §4.1.1: counter blocks, over the rollover of the sequence number", () => {
  const lanes = open();
  const salt = new Uint8Array(randomBytes(14));
  const key = randomBytes(16);
  const index = 0x1234_5678_fffe;
  const blocks = 300;
  lanes.count(32, salt, 0xcafebabe, index, 4, blocks);
  const ecb = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  const made = ecb.update(lanes.counters(32, 4 * blocks * 16));
  for (let i = 0; i < 4; i++) {
    const iv = Buffer.alloc(16);
    iv.writeUInt32BE(0xcafebabe, 4);
    iv.writeUIntBE(index + i, 8, 6);
    for (const [at, byte] of salt.entries()) iv[at] = iv[at]! ^ byte;
    const ctr = createCipheriv("aes-128-ctr", key, iv).update(Buffer.alloc(blocks * 16));
    assert.deepEqual(made.subarray(i * blocks * 16, (i + 1) * blocks * 16), ctr);
  }
});

test("slots end, and come back zeroed", () => {
  const lanes = open();
  const slots: number[] = [];
  for (let slot = lanes.takeSlot(); slot >= 0; slot = lanes.takeSlot()) slots.push(slot);
  assert.equal(new Set(slots).size, 2048);
  const [slot = 0] = slots;
  assert.ok(slot >= lanes.keystreamBytes);
  lanes.keystream.fill(1, slot, slot + lanes.slotBytes);
  lanes.giveSlot(slot);
  assert.equal(lanes.takeSlot(), slot);
  assert.ok(lanes.keystream.subarray(slot, slot + lanes.slotBytes).every((byte) => byte === 0));
  assert.equal(lanes.takeSlot(), -1);
});

test("no key stays behind in the module when its states are made", () => {
  const lanes = open();
  lanes.prepare(new Uint8Array(20).fill(0xa5));
  assert.ok(lanes.plain.subarray(0, 64).every((byte) => byte === 0));
  assert.ok(lanes.states.every((word) => word === 0));
});

test("the embedded module is made of the source beside it (npm run lanes:build)", () => {
  const source = readFileSync(join(repository, "runtime/common/srtp_lanes.c"));
  assert.equal(createHash("sha256").update(source).digest("hex"), lanesSourceSha256);
});
