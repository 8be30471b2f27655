/** What publishers by RTMP send, of any bytes: nothing throws, and nothing takes its square. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../../core/base/mod.ts";
import { decodeFragment } from "../../../core/egress/mp4/fragment.ts";
import { decodeMovie, MovieTables } from "../../../core/egress/mp4/mod.ts";
import { decodeAudioSpecificConfig } from "../../../core/media/aac/mod.ts";
import { pictureReaderFor } from "../../../core/media/mod.ts";
import { decodeMpegAudioHeader } from "../../../core/media/mp3/mod.ts";
import { TOO_MANY_UNITS } from "../../../core/media/nal_sample.ts";
import { decodeFlvAudio, decodeFlvVideo } from "../../../core/wire/flv/mod.ts";
import { fragment, initSegment } from "../../../server/mp4_boxes/mod.ts";
import { H264 } from "../egress/hls/stage.ts";

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const AVCC = hex(
  "0142c01efce100196742c01eda0280bfe5c044000003000400000300c83c58ba8001000468ce0fc8",
);
const AV1C = hex("81004c000a0a00000003361826d7c802");

let seed = 1;
function random(below: number): number {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return Math.floor(((seed >>> 8) / 2 ** 24) * below);
}

/** Some of the bytes are others, and some are missing. */
function damaged(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice(0, random(4) === 0 ? random(bytes.length + 1) : bytes.length);
  for (let i = random(4); i > 0 && out.length > 0; i--) {
    out[random(out.length)] = [0, 255, 128, 127, 1, random(256)][random(6)] ?? 0;
  }
  return out;
}

const PICTURES = [
  ["h264", AVCC, hex("000000056588840011")],
  [
    "h265",
    hex(`01016000000090000000000078f000fcfdf8f800000f01a1000100084201010160000003`),
    hex("000000042601af08"),
  ],
  ["av1", AV1C, hex("0a0a00000003361826d7c802320a1000aabbccddeeff0011")],
  ["vp9", hex("00"), hex("8249834200027f016700000000")],
  ["vp8", hex("00"), hex("100200 9d012a80026801 00".replaceAll(" ", ""))],
] as const;

for (const [codec, record, sample] of PICTURES) {
  test(`${codec}: damaged configurations and pictures are read without a throw`, () => {
    for (let i = 0; i < 3000; i++) {
      const reader = pictureReaderFor(codec);
      reader.configure(random(3) === 0 ? record : damaged(record));
      for (let j = 0; j < 3; j++) {
        const picture = reader.read(damaged(sample), random(2) === 0);
        if (picture === undefined || isFault(picture)) continue;
        reader.packetize(1150, (payload) => assert.ok(payload.length <= 1150));
      }
    }
  });
}

test("tags, configurations of sound and headers of MP3: no bytes throw", () => {
  const tags = [
    "1701000000",
    "9701001291617663310000",
    "96016176633100000001",
    "af001210",
    "9501 4f707573",
  ];
  for (let i = 0; i < 20_000; i++) {
    const bytes = damaged(hex((tags[random(tags.length)] ?? "").replace(" ", "")));
    decodeFlvVideo(bytes);
    decodeFlvAudio(bytes);
    decodeAudioSpecificConfig(bytes);
    decodeMpegAudioHeader(bytes);
  }
});

test("a movie and a fragment that a disk has damaged: no bytes throw", () => {
  const track = { id: 1, format: H264, timescale: 90_000 };
  const data = new Uint8Array(10);
  const sample = { duration: 3000, compositionOffset: 0, keyframe: true, data };
  const moov = initSegment([track]).slice();
  const moof = fragment(1, [{ track, baseTime: 0, samples: [sample, sample] }]).slice();
  const from = Buffer.from(moov).indexOf("moov") + 4;
  const whole = decodeMovie(moov.subarray(from));
  assert.ok(!isFault(whole));
  for (let i = 0; i < 3000; i++) {
    decodeMovie(damaged(moov).subarray(from));
    const body = damaged(moof).subarray(8);
    decodeFragment(body);
    const tables = new MovieTables(whole);
    if (tables.add(body, moof.length, 8, 20) === undefined) tables.encodeHead();
  }
});

test("a picture of millions of NAL units of a byte is refused at once", () => {
  for (const unit of [[1, 0x41], [2, 0x65, 0x88], [1, 0x67], [0]]) {
    const reader = pictureReaderFor("h264");
    reader.configure(AVCC);
    const sample = new Uint8Array(3 * 1024 * 1024);
    for (let at = 0; at < sample.length - unit.length; at += unit.length) sample.set(unit, at);
    const from = performance.now();
    const picture = reader.read(sample, true);
    if (unit.length > 1) assert.equal(picture, TOO_MANY_UNITS);
    assert.ok(performance.now() - from < 5000, `${unit}`);
  }
});
