import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../core/base/mod.ts";
import { concat, u32 } from "../../../core/bytes/mod.ts";
import { packetizeAv1, splitTemporalUnit } from "../../../core/media/av1/mod.ts";
import { packetizeH265 } from "../../../core/media/h265/mod.ts";
import {
  type CodecName,
  type CodedFrame,
  depacketizerFor,
  FRAME_START,
  inspect,
  KEYFRAME,
  pictureReaderFor,
} from "../../../core/media/mod.ts";
import { packetizeVp8 } from "../../../core/media/vp8/mod.ts";
import { packetizeVp9 } from "../../../core/media/vp9/mod.ts";
import { mediaPackets } from "./packets.ts";

const MAX = 300;
type Made = { readonly payload: Uint8Array; readonly last: boolean };

/** Frames as encoders of others made them: libaom, libvpx, x265. */
function sourceFrames(codec: CodecName, vector: string): CodedFrame[] {
  const depacketizer = depacketizerFor(codec, 0);
  const frames: CodedFrame[] = [];
  let timestamp = -1;
  const take = (): void => {
    const frame = depacketizer.take();
    if (frame !== undefined) frames.push(frame);
  };
  for (const { bytes, header } of mediaPackets(vector)) {
    if (timestamp !== -1 && header.timestamp !== timestamp) take();
    timestamp = header.timestamp;
    depacketizer.push(bytes, header.payloadAt, header.payloadEnd);
  }
  take();
  return frames;
}

function unitsOf(sample: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (let at = 0; at < sample.length; at += 4 + u32(sample, at)) {
    units.push(sample.subarray(at + 4, at + 4 + u32(sample, at)));
  }
  return units;
}

/** NAL units of the sets in an HEVCDecoderConfigurationRecord. */
function setsOf(record: Uint8Array): Uint8Array[] {
  const sets: Uint8Array[] = [];
  for (let at = 23; at < record.length; ) {
    const size = (record[at + 3] ?? 0) * 256 + (record[at + 4] ?? 0);
    sets.push(record.subarray(at + 5, at + 5 + size));
    at += 5 + size;
  }
  return sets;
}

function packetized(codec: CodecName, frame: CodedFrame, number: number, max = MAX): Made[] {
  const made: Made[] = [];
  const put = (payload: Uint8Array, last: boolean): void => void made.push({ payload, last });
  const { data, keyframe, format } = frame;
  if (codec === "vp8") packetizeVp8(data, number, max, put);
  else if (codec === "vp9") packetizeVp9(data, keyframe, number, max, put);
  else if (codec === "av1") {
    packetizeAv1(splitTemporalUnit(data) as Uint8Array[], keyframe, max, put);
  } else {
    const sets = keyframe ? setsOf(format?.configuration ?? new Uint8Array(0)) : [];
    packetizeH265([...sets, ...unitsOf(data)], max, put);
  }
  return made;
}

const VECTORS = { h265: "h265_main", av1: "av1", vp9: "vp9", vp8: "vp8" } as const;

for (const [codec, vector] of Object.entries(VECTORS) as [keyof typeof VECTORS, string][]) {
  describe(codec, () => {
    const frames = sourceFrames(codec, vector);

    test("frames come out of the payloads byte for byte, none of which is too large", () => {
      assert.ok(frames.length >= 2 && frames[0]?.keyframe);
      for (const max of [60, MAX, 1150]) {
        const depacketizer = depacketizerFor(codec, 0);
        for (const [number, frame] of frames.entries()) {
          const made = packetized(codec, frame, number, max);
          for (const { payload } of made) {
            assert.ok(payload.length <= max, `${payload.length} bytes`);
            depacketizer.push(payload, 0, payload.length);
          }
          assert.deepEqual(
            made.map(({ last }) => last),
            made.map((_, i) => i === made.length - 1),
          );
          const again = depacketizer.take();
          assert.deepEqual(again?.data, frame.data);
          assert.equal(again.keyframe, frame.keyframe);
          assert.deepEqual(again.format, frame.format);
        }
      }
    });

    test("the first payload starts a frame, and of keyframes a keyframe; the others start none", () => {
      for (const [number, frame] of frames.entries()) {
        const flags = packetized(codec, frame, number).map(({ payload }) =>
          inspect(codec, payload, 0, payload.length),
        );
        assert.equal(flags[0], frame.keyframe ? FRAME_START | KEYFRAME : FRAME_START);
        // Parameter sets and slices of H.265 may each stand in a payload of their own.
        if (codec !== "h265") assert.ok(flags.slice(1).every((one) => (one & KEYFRAME) === 0));
      }
    });

    test("a payload that is lost spoils its own frame alone", () => {
      const depacketizer = depacketizerFor(codec, 0);
      for (const [number, frame] of frames.entries()) {
        const made = packetized(codec, frame, number);
        const lost = number === 1 ? Math.floor(made.length / 2) : -1;
        for (const [i, { payload }] of made.entries()) {
          if (i !== lost) depacketizer.push(payload, 0, payload.length);
        }
        const again = depacketizer.take();
        if (lost < 0) assert.deepEqual(again?.data, frame.data);
        else assert.notDeepEqual(again?.data, frame.data);
      }
    });
  });
}

test("units of H.265 in an aggregation packet: lowest LayerId and TID, F if any has it (RFC 7798 §4.4.2)", () => {
  const made: Made[] = [];
  const units = [Uint8Array.of(0x40, 0x0b, 1), Uint8Array.of(0xc2, 0x02, 2)];
  packetizeH265(units, 100, (payload, last) => made.push({ payload, last }));
  assert.deepEqual(made, [
    {
      payload: Uint8Array.of(0x80 | (48 << 1), 0x02, 0, 3, 0x40, 0x0b, 1, 0, 3, 0xc2, 0x02, 2),
      last: true,
    },
  ]);
});

test("fragments of H.265 tell start, end and type (RFC 7798 §4.4.3)", () => {
  const unit = new Uint8Array(42).fill(7);
  unit.set([0x26, 0x01]); // IDR_W_RADL
  const heads: string[] = [];
  packetizeH265([unit], 23, (payload) =>
    heads.push(Buffer.from(payload.subarray(0, 3)).toString("hex")),
  );
  assert.deepEqual(heads, ["620193", "620153"]);
});

test("VP9: B and E frame the picture, P is unset for keyframes alone, ids have 15 bits (RFC 9628 §4.2)", () => {
  const heads = (keyframe: boolean, id: number): string[] => {
    const all: string[] = [];
    packetizeVp9(new Uint8Array(20), keyframe, id, 13, (payload) =>
      all.push(Buffer.from(payload.subarray(0, 3)).toString("hex")),
    );
    return all;
  };
  assert.deepEqual(heads(true, 0x7fff), ["88ffff", "84ffff"]);
  assert.deepEqual(heads(false, 0x8001), ["c88001", "c48001"]);
});

test("AV1: N for a new sequence, Z and Y where an OBU goes over packets, no obu_size (AV1 RTP §4.4, §4.5)", () => {
  const heads: string[] = [];
  const obu = concat([Uint8Array.of(0x32, 60), new Uint8Array(60).fill(9)]);
  packetizeAv1([Uint8Array.of(0x0a, 1, 5), obu], true, 40, (payload) =>
    heads.push(Buffer.from(payload.subarray(0, 7)).toString("hex")),
  );
  // The sequence header as 2 bytes, then 35 bytes of the frame; the rest of it.
  assert.deepEqual(heads, ["48020805233009", "801a0909090909"]);
});

test("a temporal unit of AV1 whose sizes do not fit is a fault", () => {
  assert.equal(
    (splitTemporalUnit(Uint8Array.of(0x32, 5, 1)) as { code: string }).code,
    "bad-obu-size",
  );
  assert.equal(
    (splitTemporalUnit(Uint8Array.of(0x32, 0x80)) as { code: string }).code,
    "bad-obu-size",
  );
  assert.deepEqual(splitTemporalUnit(Uint8Array.of(0x12, 0, 0x32, 1, 9)), [
    Uint8Array.of(0x32, 1, 9),
  ]);
});

test("no configuration and no picture makes a reader throw, and what it reads fits the payloads", () => {
  const record = sourceFrames("h265", "h265_main")[0]?.format?.configuration ?? new Uint8Array(0);
  const avcC = Uint8Array.of(1, 0x42, 0xc0, 0x1e, 0xff, 0xe0, 0);
  for (const codec of ["h264", "h265", "av1", "vp9", "vp8"] as const) {
    const told = { h264: avcC, h265: record, av1: Uint8Array.of(0x81, 0, 0x0c, 0) };
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 400 }), fc.boolean()), { maxLength: 5 }),
        (garbage, pictures) => {
          const reader = pictureReaderFor(codec);
          reader.configure(garbage);
          if (codec in told) reader.configure(told[codec as keyof typeof told]);
          for (const [data, keyframe] of pictures) {
            const length = Uint8Array.of(0, 0, data.length >> 8, data.length);
            for (const sample of [data, concat([length, data])]) {
              const picture = reader.read(sample, keyframe);
              if (picture === undefined || isFault(picture)) continue;
              reader.packetize(60, (payload) => assert.ok(payload.length <= 60));
            }
          }
        },
      ),
      { seed: 5, numRuns: 400 },
    );
  }
});
