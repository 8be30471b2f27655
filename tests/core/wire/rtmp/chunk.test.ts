import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Fault, isFault } from "../../../../core/base/mod.ts";
import { concat, putU32 } from "../../../../core/bytes/mod.ts";
import * as rtmp from "../../../../core/wire/rtmp/mod.ts";

const { ChunkReader, encodeControl, encodeMessage, MessageType } = rtmp;
const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

/** Everything that comes out of `pieces`, up to a fault. */
function read(...pieces: readonly Uint8Array[]): (rtmp.RtmpMessage | Fault)[] {
  const reader = new ChunkReader();
  const out: (rtmp.RtmpMessage | Fault)[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let one = reader.poll(); one; one = reader.poll()) {
      out.push(one);
      if (isFault(one)) return out;
    }
  }
  return out;
}
const times = (found: readonly (rtmp.RtmpMessage | Fault)[]): number[] =>
  found.map((one) => (isFault(one) ? Number.NaN : one.timestamp));
const byteByByte = (bytes: Uint8Array): Uint8Array[] =>
  Array.from(bytes, (byte) => Uint8Array.of(byte));

test("the example of the specification: fmt 0, 2, then 3 twice (RTMP 1.0 §5.3.2.1)", () => {
  const audio = "00".repeat(32);
  const bytes = hex(`
    03 0003e8 000020 08 39300000 ${audio}
    83 000014 ${audio}
    c3 ${audio}
    c3 ${audio}`);
  const found = read(bytes);
  assert.deepEqual(times(found), [1000, 1020, 1040, 1060]);
  for (const one of found) {
    assert.ok(!isFault(one));
    assert.equal(one.stream, 12345);
    assert.equal(one.type, MessageType.Audio);
    assert.equal(one.payload.length, 32);
  }
  assert.deepEqual(read(...byteByByte(bytes)), found);
});

test("a message of 307 bytes goes in chunks of 128 (§5.3.2.2)", () => {
  const payload = Uint8Array.from({ length: 307 }, (_, i) => i);
  const message = {
    chunkStream: 4,
    type: MessageType.Video,
    stream: 12346,
    timestamp: 1000,
    payload,
  };
  const bytes = encodeMessage(message);
  assert.equal(bytes.length, 140 + 129 + 52);
  assert.equal(bytes[140], 0xc4);
  assert.equal(bytes[269], 0xc4);
  assert.deepEqual(read(bytes), [message]);
});

test("chunks of several streams are interleaved", () => {
  const long = { chunkStream: 6, type: 9, stream: 1, timestamp: 5, payload: new Uint8Array(300) };
  const bytes = encodeMessage(long);
  const control = encodeControl(MessageType.WindowAcknowledgementSize, 7);
  const found = read(bytes.subarray(0, 140), control, bytes.subarray(140));
  assert.deepEqual(
    found.map((one) => (isFault(one) ? one : one.type)),
    [5, 9],
  );
});

test("chunk stream ids of one, two and three bytes", () => {
  for (const [basic, id] of [
    ["03", 3],
    ["3f", 63],
    ["0000", 64],
    ["00ff", 319],
    ["010001", 320],
    ["01ffff", 65_599],
  ] as const) {
    const [one] = read(...byteByByte(hex(`${basic} 000001 000001 08 01000000 aa`)));
    assert.ok(one && !isFault(one));
    assert.equal(one.chunkStream, id);
  }
});

test("a type 3 chunk behind a type 0 one adds its timestamp (§5.3.1.2.4)", () => {
  assert.deepEqual(times(read(hex("03 000010 000001 08 01000000 aa c3 bb c3 cc"))), [16, 32, 48]);
});

test("an extended timestamp stands in each chunk of a message, or, as some do, in the first only", () => {
  const time = 0x01000000;
  const payload = new Uint8Array(200).fill(7);
  const message = { chunkStream: 4, type: 9, stream: 1, timestamp: time, payload };
  const bytes = encodeMessage(message);
  assert.equal(bytes.length, 12 + 4 + 128 + 1 + 4 + 72);
  assert.deepEqual(read(...byteByByte(bytes)), [message]);
  const without = concat([bytes.subarray(0, 145), bytes.subarray(149)]);
  assert.deepEqual(read(without), [message]);
});

test("timestamps wrap at 32 bits", () => {
  const message = { chunkStream: 4, type: 8, stream: 1, timestamp: 0xfffffff0, payload: hex("aa") };
  assert.deepEqual(
    times(read(encodeMessage(message), hex("44 000020 000001 08 bb"))),
    [0xfffffff0, 0x10],
  );
});

test("Set Chunk Size counts from the next chunk on, Abort drops what has begun (§5.4)", () => {
  const payload = Uint8Array.from({ length: 1000 }, (_, i) => i);
  const message = { chunkStream: 4, type: 9, stream: 1, timestamp: 0, payload };
  const size = encodeControl(MessageType.SetChunkSize, 400);
  assert.deepEqual(read(size, encodeMessage(message, 400)), [message]);
  const begun = encodeMessage(message).subarray(0, 140);
  const short = { ...message, payload: hex("01") };
  assert.deepEqual(read(begun, encodeControl(MessageType.Abort, 4), encodeMessage(short)), [short]);
});

test("a new header in the middle of a message gives the message up", () => {
  const begun = encodeMessage({
    chunkStream: 4,
    type: 9,
    stream: 1,
    timestamp: 0,
    payload: new Uint8Array(300),
  }).subarray(0, 140);
  const next = { chunkStream: 4, type: 8, stream: 1, timestamp: 3, payload: hex("01") };
  assert.deepEqual(read(begun, encodeMessage(next)), [next]);
});

test("what cannot be is a fault, and final", () => {
  const zero = new Uint8Array(4);
  const control = (type: number, payload: Uint8Array): Uint8Array =>
    encodeMessage({ chunkStream: 2, type, stream: 0, timestamp: 0, payload });
  const tooBig = new Uint8Array(4);
  putU32(tooBig, 0, 0x80000000);
  for (const [bytes, fault] of [
    [hex("c3"), rtmp.NO_HEADER],
    [hex("83 000001"), rtmp.NO_HEADER],
    [hex("03 000000 ffffff 09 01000000"), rtmp.MESSAGE_TOO_LONG],
    [control(MessageType.SetChunkSize, zero), rtmp.BAD_CHUNK_SIZE],
    [control(MessageType.SetChunkSize, tooBig), rtmp.BAD_CHUNK_SIZE],
    [control(MessageType.SetChunkSize, hex("0001")), rtmp.BAD_CONTROL],
    [control(MessageType.Abort, hex("01")), rtmp.BAD_CONTROL],
  ] as const) {
    assert.deepEqual(read(bytes), [fault]);
  }
  const reader = new ChunkReader();
  reader.push(hex("c3"));
  assert.equal(reader.poll(), rtmp.NO_HEADER);
  reader.push(encodeControl(MessageType.Acknowledgement, 1));
  assert.equal(reader.poll(), rtmp.NO_HEADER);
});

test("chunk streams are bounded", () => {
  const open = (id: number): Uint8Array =>
    hex(`00 ${id.toString(16).padStart(2, "0")} 000000 000000 08 01000000`);
  const many = Array.from({ length: rtmp.CHUNK_STREAMS_MAX + 1 }, (_, i) => open(i));
  const found = read(...many);
  assert.equal(found.length, rtmp.CHUNK_STREAMS_MAX + 1);
  assert.equal(found.at(-1), rtmp.TOO_MANY_CHUNK_STREAMS);
});

test("what is kept of unfinished messages is bounded, and is what came, not what was announced", () => {
  const reader = new ChunkReader();
  reader.push(encodeControl(MessageType.SetChunkSize, 0xffffff));
  assert.equal(reader.poll(), undefined);
  reader.push(hex("04 000000 7fffff 09 01000000 aabb"));
  assert.equal(reader.poll(), undefined);
  assert.equal(reader.buffered, 2);
  const rest = new Uint8Array(7 * 1024 * 1024);
  const small = new ChunkReader();
  const announce = (id: number): Uint8Array => hex(`0${id} 000000 780000 09 01000000`);
  let last: unknown;
  for (const piece of [encodeControl(MessageType.SetChunkSize, rest.length)]) {
    small.push(piece);
    last = small.poll();
  }
  for (const id of [4, 5]) {
    small.push(announce(id));
    last = small.poll();
    small.push(rest);
    last = small.poll();
  }
  assert.equal(last, rtmp.MESSAGE_TOO_LONG);
});

const message = fc.record(
  {
    chunkStream: fc.integer({ min: 3, max: 63 }),
    type: fc.constantFrom(8, 9, 18, 20),
    stream: fc.nat(0xffffffff),
    timestamp: fc.oneof(fc.nat(0xffffffff), fc.constant(0xffffff), fc.constant(0xfffffe)),
    payload: fc.uint8Array({ maxLength: 700 }),
  },
  { noNullPrototype: true },
);

test("messages come out as they went in, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.integer({ min: 1, max: 300 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
      (messages, chunkBytes, cuts) => {
        const bytes = concat([
          encodeControl(MessageType.SetChunkSize, chunkBytes),
          ...messages.map((one) => encodeMessage(one, chunkBytes)),
        ]);
        const pieces: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(read(...pieces), messages);
      },
    ),
    { seed: 31, numRuns: 300 },
  );
});

test("no bytes make it throw, and it ends", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (pieces) => {
      read(...pieces);
    }),
    { seed: 32, numRuns: 1000 },
  );
  const bytes = encodeMessage({
    chunkStream: 3,
    type: 20,
    stream: 0,
    timestamp: 9,
    payload: new Uint8Array(150),
  });
  for (let at = 0; at < bytes.length * 8; at++) {
    const flipped = bytes.slice();
    flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7));
    read(flipped);
  }
});
