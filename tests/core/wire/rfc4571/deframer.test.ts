import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isFault, MonoportError } from "../../../../core/base/mod.ts";
import { concat } from "../../../../core/bytes/mod.ts";
import { Deframer, FRAME_TOO_LONG, frame, framed } from "../../../../core/wire/rfc4571/mod.ts";

function drain(deframer: Deframer): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let packet = deframer.poll(); packet !== undefined; packet = deframer.poll()) {
    assert.ok(!isFault(packet), String(packet));
    packets.push(packet);
  }
  return packets;
}

test("a frame that lies whole in a chunk is a view of it", () => {
  const deframer = new Deframer();
  const chunk = concat([framed(Uint8Array.of(1, 2, 3)), framed(Uint8Array.of(4))]);
  deframer.push(chunk);
  const packets = drain(deframer);
  assert.deepEqual(packets, [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
  for (const packet of packets) assert.equal(packet.buffer, chunk.buffer);
});

test("a zero-length frame is passed over", () => {
  const deframer = new Deframer();
  deframer.push(Uint8Array.of(0, 0, 0, 0, 0, 1, 9, 0));
  assert.deepEqual(drain(deframer), [Uint8Array.of(9)]);
  deframer.push(Uint8Array.of(0, 0));
  assert.deepEqual(drain(deframer), []);
  deframer.push(Uint8Array.of(2, 7, 8));
  assert.deepEqual(drain(deframer), [Uint8Array.of(7, 8)]);
});

test("a frame longer than allowed is a fault, for good", () => {
  const deframer = new Deframer({ maxFrameBytes: 100 });
  deframer.push(concat([framed(new Uint8Array(100)), Uint8Array.of(0, 101), new Uint8Array(300)]));
  assert.equal((deframer.poll() as Uint8Array).length, 100);
  assert.equal(deframer.poll(), FRAME_TOO_LONG);
  deframer.push(framed(Uint8Array.of(1)));
  assert.equal(deframer.poll(), FRAME_TOO_LONG);
});

test("the longest frame of all passes when it is allowed", () => {
  const packet = new Uint8Array(65535).map((_, i) => i % 251);
  const deframer = new Deframer({ maxFrameBytes: 65535 });
  const bytes = framed(packet);
  const packets: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 1000) {
    deframer.push(bytes.slice(at, at + 1000));
    packets.push(...drain(deframer));
  }
  assert.deepEqual(packets, [packet]);
});

test("an announced length reserves no memory before its bytes come", () => {
  const deframer = new Deframer({ maxFrameBytes: 65535 });
  deframer.push(Uint8Array.of(0xff, 0xff));
  assert.deepEqual(drain(deframer), []);
  assert.equal(deframer.buffered, 0);
  deframer.push(new Uint8Array(3000));
  assert.deepEqual(drain(deframer), []);
  assert.equal(deframer.buffered, 3000);
});

test("a stream may be cut at any place, inside the length too", () => {
  const packets = [1, 300, 2, 256, 3].map((size, i) => new Uint8Array(size).fill(i + 1));
  const stream = concat(packets.map((packet) => framed(packet)));
  for (let cut = 0; cut <= stream.length; cut++) {
    const deframer = new Deframer();
    deframer.push(stream.slice(0, cut));
    const found = drain(deframer);
    deframer.push(stream.slice(cut));
    assert.deepEqual([...found, ...drain(deframer)], packets);
  }
  const bytewise = new Deframer();
  const found: Uint8Array[] = [];
  for (const byte of stream) {
    bytewise.push(Uint8Array.of(byte));
    found.push(...drain(bytewise));
  }
  assert.deepEqual(found, packets);
});

test("one byte at a time costs linear time", () => {
  const deframer = new Deframer({ maxFrameBytes: 65535 });
  const bytes = framed(new Uint8Array(65535).fill(7));
  const rounds = 20;
  let packets = 0;
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < bytes.length; at++) {
      deframer.push(bytes.subarray(at, at + 1));
      packets += drain(deframer).length;
    }
  }
  assert.equal(packets, rounds);
  // About 0.15 s; copying what is held for each byte would be 40 GB and 6 s.
  const elapsed = performance.now() - start;
  assert.ok(elapsed < 3_000, `${elapsed} ms`);
});

test("however the stream is cut, the same packets come out", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 5000, size: "max" }), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }),
      (packets, cuts) => {
        const stream = concat(packets.map((packet) => framed(packet)));
        const deframer = new Deframer();
        const found: Uint8Array[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + (cuts[i % cuts.length] ?? 1);
          deframer.push(stream.slice(at, end));
          found.push(...drain(deframer));
          at = end;
        }
        assert.deepEqual(
          found,
          packets.filter((packet) => packet.length > 0),
        );
        assert.equal(deframer.buffered, 0);
      },
    ),
    { seed: 4571, numRuns: 60 },
  );
});

test("any bytes end in packets or a fault, never in an exception", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (chunks) => {
      const deframer = new Deframer({ maxFrameBytes: 400 });
      for (const chunk of chunks) {
        deframer.push(chunk);
        for (let packet = deframer.poll(); packet !== undefined; packet = deframer.poll()) {
          if (isFault(packet)) return;
          assert.ok(packet.length > 0 && packet.length <= 400);
        }
      }
    }),
    { seed: 4571, numRuns: 200 },
  );
});

test("frame writes the length and says where the packet goes", () => {
  const out = new Uint8Array(8);
  assert.equal(frame(out, 3, 0x1234), 5);
  assert.deepEqual(out, Uint8Array.of(0, 0, 0, 0x12, 0x34, 0, 0, 0));
  assert.throws(() => frame(out, 0, 65536), MonoportError);
});
