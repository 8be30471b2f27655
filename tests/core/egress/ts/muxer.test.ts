import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fitsTs, TsMuxer } from "../../../../core/egress/ts/mod.ts";
import { StreamType } from "../../../../core/wire/mpegts/mod.ts";
import { brokenPackets, readTs } from "./packet_rules.ts";
import { AAC, H264_TS, picture, runOf, sample } from "./stage.ts";

const SETS = "00000001674" + "2c01e0102" + "0000000168ce03";

function muxer(): TsMuxer {
  const one = new TsMuxer();
  one.setFormats([H264_TS, AAC]);
  return one;
}

describe("TsMuxer", () => {
  test("begins with PAT and PMT, which name the streams", () => {
    const { types, broken } = readTs(
      muxer().encode([runOf(H264_TS, 0, [sample(picture(500), 3000)])], true),
    );
    assert.deepEqual(broken, []);
    assert.deepEqual([...types.values()], [StreamType.H264, StreamType.AdtsAac]);
  });

  test("pictures are a byte stream: a delimiter, parameter sets before keyframes, start codes", () => {
    const run = runOf(H264_TS, 0, [
      sample(picture(3), 3000),
      sample(picture(2, 0x41), 3000, false),
    ]);
    const [first, second] = readTs(muxer().encode([run], true)).packets;
    assert.equal(first?.payload.toString("hex"), `0000000109f0${SETS}0000000165abab`);
    assert.equal(second?.payload.toString("hex"), "0000000109f00000000141ab");
    assert.deepEqual([first?.randomAccess, second?.randomAccess], [true, false]);
  });

  test("a picture of several NAL units keeps them all; one whose lengths are wrong breaks nothing", () => {
    const two = Uint8Array.of(0, 0, 0, 1, 0x65, 0, 0, 0, 2, 0x65, 7);
    const wrong = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3);
    const run = runOf(H264_TS, 0, [sample(two, 3000, false), sample(wrong, 3000, false)]);
    const [first, second] = readTs(muxer().encode([run], true)).packets;
    assert.equal(first?.payload.toString("hex"), "0000000109f000000001650000000165" + "07");
    assert.equal(second?.payload.length, 6 + 7);
  });

  test("every size of picture fills its packets", () => {
    const one = muxer();
    const counters = new Map<number, number>();
    for (let bytes = 1; bytes < 420; bytes++) {
      const key = bytes % 7 === 0;
      const made = one.encode(
        [runOf(H264_TS, bytes * 3000, [sample(picture(bytes), 3000, key)])],
        true,
      );
      assert.deepEqual(brokenPackets(made, counters), [], `${bytes} bytes`);
      const [pes] = readTs(made).packets;
      assert.equal(pes?.payload.length, 6 + (key ? 17 : 0) + 4 + bytes);
    }
  });

  test("pictures too long for PES_packet_length tell 0", () => {
    const run = runOf(H264_TS, 0, [sample(picture(200_000), 3000)]);
    const made = muxer().encode([run], true);
    assert.deepEqual(brokenPackets(made), []);
    assert.equal(readTs(made).packets[0]?.payload.length, 6 + 17 + 200_004);
  });

  test("sound is ADTS, some frames to a PES packet, in order of decoding with pictures", () => {
    const frames = Array.from({ length: 20 }, () => sample(new Uint8Array(340).fill(9), 1024));
    const pictures = Array.from({ length: 10 }, (_, i) => sample(picture(900), 3600, i === 0));
    const made = muxer().encode([runOf(H264_TS, 0, pictures), runOf(AAC, 0, frames)], true);
    assert.deepEqual(brokenPackets(made), []);
    const { packets } = readTs(made);
    const sound = packets.filter(({ streamId }) => streamId === 0xc0);
    assert.ok(sound.length >= 4 && sound.length <= 6, `${sound.length} packets`);
    const all = Buffer.concat(sound.map(({ payload }) => payload));
    assert.equal(all.length, 20 * 347);
    for (let at = 0; at < all.length; at += 347) {
      assert.equal(all.readUInt16BE(at), 0xfff1);
      assert.equal(((all.readUInt32BE(at + 2) >> 5) & 0x1fff) + 0, 347);
    }
    assert.equal(all.subarray(0, 7).toString("hex"), "fff14c802b7ffc");
  });

  test("a gap in the sound begins another PES packet, whose PTS tells it", () => {
    const one = [sample(new Uint8Array(10), 1024), sample(new Uint8Array(10), 48_000)];
    const made = muxer().encode([runOf(AAC, 0, [...one, ...one])], true);
    const times = readTs(made).packets.map(({ pts }) => pts);
    assert.deepEqual(
      times.map((pts) => pts - (times[0] ?? 0)),
      [0, 91_920],
    );
  });

  test("sound alone carries the PCR", () => {
    const one = new TsMuxer();
    one.setFormats([AAC]);
    const run = runOf(AAC, 0, [sample(new Uint8Array(100), 1024)]);
    const made = one.encode([run], true);
    assert.deepEqual(brokenPackets(made), []);
    assert.equal(readTs(made).packets[0]?.randomAccess, true);
  });

  test("times wrap at 33 bits", () => {
    const at = 2 ** 33 - 126_000 - 3000;
    const run = runOf(H264_TS, at, [
      sample(picture(9), 3000),
      sample(picture(9), 3000, false, 1800),
    ]);
    const [before, after] = readTs(muxer().encode([run], true)).packets;
    assert.equal(before?.dts, 2 ** 33 - 3000);
    assert.deepEqual([after?.dts, after?.pts], [0, 1800]);
    assert.equal(after?.pcr, 2 ** 33 - 63_000);
  });

  test("counters go on from run to run, and other tracks have another version of the PMT", () => {
    const one = muxer();
    const counters = new Map<number, number>();
    const run = runOf(H264_TS, 0, [sample(picture(1000), 3000)]);
    for (let i = 0; i < 40; i++)
      assert.deepEqual(brokenPackets(one.encode([run], true), counters), []);
    one.setFormats([AAC]);
    const made = one.encode([runOf(AAC, 0, [sample(new Uint8Array(9), 1024)])], true);
    assert.deepEqual(brokenPackets(made, counters), []);
    assert.equal(readTs(made).version, 1);
  });

  test("frames that ADTS cannot tell the length of are left out", () => {
    const frames = [sample(new Uint8Array(9000), 1024), sample(new Uint8Array(9), 1024)];
    const [pes] = readTs(muxer().encode([runOf(AAC, 0, frames)], true)).packets;
    assert.equal(pes?.payload.length, 16);
  });

  test("what transport streams cannot hold does not fit", () => {
    assert.ok(fitsTs(H264_TS) && fitsTs(AAC));
    for (const codec of ["vp8", "vp9", "av1"] as const)
      assert.ok(!fitsTs({ ...H264_TS, codec }), codec);
    assert.ok(!fitsTs({ ...AAC, codec: "opus" }));
    assert.ok(!fitsTs({ ...H264_TS, configuration: new Uint8Array(3) }));
    assert.ok(!fitsTs({ ...H264_TS, codec: "h265" }), "an AVC record");
    // 1 kHz is no rate of ADTS; HE-AAC tells its core.
    assert.ok(!fitsTs({ ...AAC, configuration: Uint8Array.of(0x17, 0x80, 0x01, 0xf4, 0x10) }));
    assert.ok(fitsTs({ ...AAC, configuration: Uint8Array.of(0x2b, 0x92, 0x08, 0) }));
  });
});
