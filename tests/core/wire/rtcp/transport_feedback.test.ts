import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { RtcpPacketConverter, RtcpTransportLayerFeedback, TransportWideCC } from "werift";
import { isFault } from "../../../../core/base/mod.ts";
import { putU16 } from "../../../../core/bytes/mod.ts";
import {
  BAD_FEEDBACK,
  CompoundCursor,
  decodeRtcp,
  encodeRtcp,
  type TransportFeedback,
  TransportFeedbackCursor,
} from "../../../../core/wire/rtcp/mod.ts";
import { vector } from "../../../vector.ts";

type Deltas = TransportFeedback["deltas"];

function feedback(deltas: Deltas, baseSequence = 100): TransportFeedback {
  return {
    type: "twcc",
    senderSsrc: 1,
    mediaSsrc: 2,
    baseSequence,
    referenceTime: 5,
    feedbackCount: 6,
    deltas,
  };
}

function decoded(bytes: Uint8Array): TransportFeedback {
  const packets = decodeRtcp(bytes);
  assert.ok(!isFault(packets), String(packets));
  const packet = packets[0];
  assert.ok(packet?.type === "twcc");
  return packet;
}

function highest(bytes: Uint8Array): number {
  const cursor = new CompoundCursor();
  cursor.start(bytes);
  assert.ok(cursor.next());
  const walk = new TransportFeedbackCursor();
  if (!walk.start(cursor.bytes, cursor.at, cursor.end) || walk.highest < 0) return -1;
  return (walk.baseSequence + walk.highest) & 0xffff;
}

/** Positions and times of the packets received, as the cursor walks over them. */
function walked(bytes: Uint8Array): (readonly [position: number, arrival: number])[] | undefined {
  const cursor = new CompoundCursor();
  const walk = new TransportFeedbackCursor();
  cursor.start(bytes);
  assert.ok(cursor.next());
  if (!walk.start(cursor.bytes, cursor.at, cursor.end)) return undefined;
  const all: (readonly [number, number])[] = [];
  while (walk.next()) all.push([walk.position, walk.arrival]);
  return all;
}

/** The same from the decoded value. */
function received(packet: TransportFeedback): (readonly [number, number])[] {
  let arrival = packet.referenceTime * 256;
  return packet.deltas.flatMap((delta, position) => {
    if (delta === undefined) return [];
    arrival += delta;
    return [[position, arrival >>> 0] as const];
  });
}

const __ = undefined;
const vectors: readonly [
  name: string,
  base: number,
  time: number,
  count: number,
  deltas: Deltas,
][] = [
  ["rtcp_twcc_run_length", 4, 1_074_030, 1, [76, 36, 36, 16, 12, 12, 16]],
  ["rtcp_twcc_two_bits", 34_108, 6_551_830, 179, [155, 170, 106, 170, 123, __, 265, __, __]],
];

for (const [name, baseSequence, referenceTime, feedbackCount, deltas] of vectors) {
  test(`vector ${name}`, () => {
    const bytes = vector(name);
    const packet = decoded(bytes);
    assert.deepEqual(packet.deltas, deltas);
    assert.deepEqual(
      [packet.baseSequence, packet.referenceTime, packet.feedbackCount],
      [baseSequence, referenceTime, feedbackCount],
    );
    assert.equal(highest(bytes), baseSequence + deltas.findLastIndex((delta) => delta !== __));
    assert.deepEqual(walked(bytes), received(packet));
    // Ours is no longer than theirs, and says the same.
    const again = encodeRtcp([packet]);
    assert.ok(again.length <= bytes.length);
    assert.deepEqual(decoded(again), packet);
  });
}

test("the chunks that the draft gives as examples, §3.1.3 and §3.1.4", () => {
  const head = [0x8f, 205, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10];
  // 221 not received; then not received, five received, three not, three received, two not.
  const body = [0, 235, 0, 0, 5, 6, 0x00, 0xdd, 0x9f, 0x1c, 1, 2, 3, 4, 5, 6, 7, 8];
  const packet = decoded(Uint8Array.of(...head, ...body));
  const lost = new Array<undefined>(222).fill(undefined);
  assert.deepEqual(packet.deltas, [...lost, 1, 2, 3, 4, 5, __, __, __, 6, 7, 8, __, __]);
  const again = encodeRtcp([packet]);
  assert.deepEqual([...again.subarray(20, 24)], [0x00, 0xde, 0xbe, 0x38]); // one more in the run
});

const anyDelta: fc.Arbitrary<number | undefined> = fc.oneof(
  { arbitrary: fc.constant(undefined), weight: 2 },
  { arbitrary: fc.integer({ min: 0, max: 255 }), weight: 6 },
  { arbitrary: fc.integer({ min: -32_768, max: 32_767 }), weight: 1 },
);
/** Runs of one kind, so that all three chunks come up. */
const anyDeltas: fc.Arbitrary<(number | undefined)[]> = fc
  .array(fc.tuple(anyDelta, fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 }))), {
    maxLength: 60,
  })
  .map((runs) => runs.flatMap(([delta, length]) => new Array(length).fill(delta)));

test("whatever arrived when, feedback says it back", () => {
  fc.assert(
    fc.property(anyDeltas, fc.integer({ min: 0, max: 65_535 }), (deltas, base) => {
      const packet = feedback(deltas, base);
      const bytes = encodeRtcp([packet]);
      assert.deepEqual(decoded(bytes), packet);
      const last = deltas.findLastIndex((delta) => delta !== undefined);
      assert.equal(highest(bytes), last < 0 ? -1 : (base + last) & 0xffff);
      assert.deepEqual(walked(bytes), received(packet));
    }),
    { seed: 15, numRuns: 300 },
  );
});

test("werift reads the same chunks and deltas", () => {
  fc.assert(
    fc.property(anyDeltas, (deltas) => {
      const bytes = encodeRtcp([feedback(deltas)]);
      const [packet] = RtcpPacketConverter.deSerialize(Buffer.from(bytes));
      assert.ok(packet instanceof RtcpTransportLayerFeedback);
      const read = packet.feedback;
      assert.ok(read instanceof TransportWideCC);
      assert.equal(read.packetStatusCount, deltas.length);
      assert.deepEqual(
        read.recvDeltas.map(({ delta }) => delta),
        deltas.filter((delta) => delta !== undefined).map((delta) => delta * 250),
      );
    }),
    { seed: 15, numRuns: 100 },
  );
});

test("packets of one kind are one run, as libwebrtc writes them", () => {
  for (const [deltas, chunk] of [
    [[9], 0x2001],
    [[1, 2, 3], 0x2003],
    [[300, 300], 0x4002],
  ] as const) {
    const bytes = encodeRtcp([feedback(deltas)]);
    assert.equal(((bytes[20] ?? 0) << 8) | (bytes[21] ?? 0), chunk);
  }
});

test("ten thousand losses in a row take a few bytes", () => {
  const packet = feedback([0, ...new Array<undefined>(20_000).fill(undefined), 3]);
  const bytes = encodeRtcp([packet]);
  assert.ok(bytes.length <= 40, `${bytes.length} bytes`);
  assert.deepEqual(decoded(bytes), packet);
  assert.equal(highest(bytes), 100 + 20_001);
});

test("feedback cut short, runs of nothing and reserved symbols are faults", () => {
  const bytes = encodeRtcp([feedback([0, 1, 300, undefined, 5, 6, 7, 8, 9, -1])]);
  for (let words = 2; words < bytes.length / 4; words++) {
    const cut = bytes.slice(0, words * 4);
    putU16(cut, 2, words - 1);
    assert.equal(isFault(decodeRtcp(cut)), true, `${words} words`);
  }
  const head = [0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 100];
  const emptyRun = Uint8Array.of(...head, 0, 2, 0, 0, 5, 6, 0x20, 0, 0x20, 0);
  assert.equal(decodeRtcp(emptyRun), BAD_FEEDBACK);
  assert.equal(highest(emptyRun), -1);
  const reserved = Uint8Array.of(...head, 0, 2, 0, 0, 5, 6, 0x60, 2, 0, 0);
  assert.equal(decodeRtcp(reserved), BAD_FEEDBACK);
  assert.equal(highest(reserved), -1);
  const thenRun = Uint8Array.of(...head, 0, 2, 0, 0, 5, 6, 0x20, 0, 0x20, 2, 7, 7, 0, 0);
  thenRun[3] = 6;
  assert.equal(decodeRtcp(thenRun), BAD_FEEDBACK);
  const withDeltas = Uint8Array.of(...head, 0, 2, 0, 0, 5, 6, 0x60, 2, 0, 0, 1, 0, 1, 0);
  withDeltas[3] = 6;
  assert.equal(decodeRtcp(withDeltas), BAD_FEEDBACK);
  const noChunks = Uint8Array.of(...head, 0xff, 0xff, 0, 0, 5, 6, 0x3f, 0xff, 0, 0);
  assert.equal(decodeRtcp(noChunks), BAD_FEEDBACK);
  assert.equal(highest(noChunks), -1);
});

test("a flipped bit never makes either reader throw", () => {
  const bytes = encodeRtcp([feedback([0, 1, 300, undefined, 5, 6, 7, 8, 9, -1])]);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const copy = bytes.slice();
    copy[bit >> 3]! ^= 0x80 >> (bit & 7);
    decodeRtcp(copy);
    const walk = new TransportFeedbackCursor();
    if (walk.start(copy, 4, copy.length)) while (walk.next()) assert.ok(walk.position < walk.count);
  }
});
