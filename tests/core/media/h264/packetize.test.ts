import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../../core/base/mod.ts";
import * as h264 from "../../../../core/media/h264/mod.ts";
import { FRAME_START, inspect, KEYFRAME } from "../../../../core/media/mod.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

/** Made by x264 (640x360, baseline), as ffmpeg's flv muxer writes it. */
const RECORD = hex(`
  01 42c01e ff e1 0019 6742c01eda0280bfe5c044000003000400000300c83c58ba80
  01 0004 68ce0fc8`);

/** Undoes RFC 6184 in the plainest way, for comparison. */
function depacketize(payloads: readonly Uint8Array[]): Uint8Array[] {
  const units: Uint8Array[] = [];
  let fragment: number[] = [];
  for (const payload of payloads) {
    const type = (payload[0] ?? 0) & 0x1f;
    if (type === 24) {
      for (let at = 1; at < payload.length; ) {
        const size = ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
        units.push(payload.slice(at + 2, at + 2 + size));
        at += 2 + size;
      }
    } else if (type === 28) {
      const head = payload[1] ?? 0;
      if (head & 0x80) fragment = [((payload[0] ?? 0) & 0xe0) | (head & 0x1f)];
      fragment.push(...payload.subarray(2));
      if (head & 0x40) units.push(Uint8Array.from(fragment));
    } else {
      units.push(payload);
    }
  }
  return units;
}

function packetized(
  units: readonly Uint8Array[],
  most: number,
): { payload: Uint8Array; last: boolean }[] {
  const out: { payload: Uint8Array; last: boolean }[] = [];
  h264.packetizeH264(units, most, (payload, last) => out.push({ payload, last }));
  return out;
}

test("a configuration record gives profile, length size and parameter sets", () => {
  const record = h264.decodeConfiguration(RECORD);
  assert.ok(!isFault(record), String(record));
  assert.equal(record.profileLevelId, "42c01e");
  assert.equal(record.lengthBytes, 4);
  assert.deepEqual(
    record.parameterSets.map((set) => set[0]),
    [0x67, 0x68],
  );
});

test("a record that is cut, of another version or with a length of 3 bytes is a fault", () => {
  for (let length = 0; length < RECORD.length; length++) {
    assert.equal(
      h264.decodeConfiguration(RECORD.subarray(0, length)),
      h264.BAD_CONFIGURATION,
      `${length}`,
    );
  }
  for (const [at, value] of [
    [0, 2],
    [4, 0xfe],
  ] as const) {
    const wrong = RECORD.slice();
    wrong[at] = value;
    assert.equal(h264.decodeConfiguration(wrong), h264.BAD_CONFIGURATION);
  }
});

test("a sample is cut at its lengths, and one that overruns is a fault", () => {
  assert.deepEqual(h264.splitSample(hex("00000002 65aa 00000000 00000001 06"), 4), [
    hex("65aa"),
    hex("06"),
  ]);
  assert.deepEqual(h264.splitSample(hex("02 65aa"), 1), [hex("65aa")]);
  for (const bad of ["00000003 65aa", "0000", "ffffffff 65"]) {
    assert.equal(h264.splitSample(hex(bad), 4), h264.BAD_UNIT, bad);
  }
});

test("parameter sets and a small picture share a STAP-A with the highest NRI", () => {
  const units = [hex("6742"), hex("68ce"), hex("4101")];
  const [one, ...more] = packetized(units, 100);
  assert.equal(more.length, 0);
  assert.deepEqual(one?.payload, hex("78 0002 6742 0002 68ce 0002 4101"));
  assert.equal(one?.last, true);
});

test("a large picture is cut into FU-A, and its keyframe is seen as one", () => {
  const picture = new Uint8Array(5000).fill(9);
  picture[0] = 0x65;
  const payloads = packetized([hex("6742"), hex("68ce"), picture], 1150);
  assert.deepEqual(
    payloads.map(({ last }) => last),
    [false, false, false, false, false, true],
  );
  for (const { payload } of payloads) assert.ok(payload.length <= 1150);
  const first = payloads[0]?.payload ?? new Uint8Array(0);
  assert.equal(inspect("h264", first, 0, first.length), FRAME_START | KEYFRAME);
});

test("what is packetized comes out again, in payloads that fit", () => {
  const unit = fc
    .tuple(fc.constantFrom(0x65, 0x41, 0x06, 0x67, 0x68, 0x01), fc.uint8Array({ maxLength: 900 }))
    .map(([header, body]) => Uint8Array.of(header, ...body));
  fc.assert(
    fc.property(
      fc.array(unit, { maxLength: 8 }),
      fc.integer({ min: 20, max: 300 }),
      (units, most) => {
        const payloads = packetized(units, most);
        assert.deepEqual(depacketize(payloads.map(({ payload }) => payload)), units);
        assert.ok(payloads.every(({ payload }) => payload.length <= most));
        assert.equal(payloads.filter(({ last }) => last).length, units.length > 0 ? 1 : 0);
        assert.ok(payloads.length === 0 || payloads.at(-1)?.last);
        // No unit is one fragment alone, which RFC 6184 §5.8 forbids.
        assert.ok(
          payloads.every(
            ({ payload }) =>
              ((payload[0] ?? 0) & 0x1f) !== 28 || ((payload[1] ?? 0) & 0xc0) !== 0xc0,
          ),
        );
      },
    ),
    { seed: 51, numRuns: 300 },
  );
});
