import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault } from "../../../../core/base/mod.ts";
import { concat } from "../../../../core/bytes/mod.ts";
import {
  decodeBoxHead,
  decodeChange,
  decodeMovie,
  encodeChange,
  IN_BAND_MAX_BYTES,
  inBand,
  MovieTables,
  type Mp4Run,
  type Mp4Track,
} from "../../../../core/egress/mp4/mod.ts";
import type { FrameFormat } from "../../../../core/stream/mod.ts";
import { fragment, initSegment, sampleDescription } from "../../../../server/mp4_boxes/mod.ts";
import { H264, OPUS } from "../hls/stage.ts";

/** One SPS of so many bytes and one PPS. */
function h264(width: number, bytes = 10): FrameFormat {
  const sps = Uint8Array.from({ length: bytes }, (_, i) => (i === 0 ? 0x67 : width & 0x7f));
  const sets = [0xe1, bytes >> 8, bytes & 255, ...sps, 1, 0, 4, 0x68, 1, 2, 3];
  const configuration = Uint8Array.of(1, 0x42, 0xc0, 0x1e, 0xff, ...sets);
  return { ...H264, width, height: (width * 9) / 16, configuration };
}

const SMALL = h264(320);
const LARGE = h264(1280);

/** The contents of a box at a path of types. */
function inside(bytes: Uint8Array, ...path: readonly string[]): Uint8Array {
  let found = bytes;
  for (const wanted of path) {
    let next: Uint8Array | undefined;
    for (let at = 0; next === undefined; ) {
      const head = decodeBoxHead(found, at);
      assert.ok(head, wanted);
      if (head.type === wanted) next = found.subarray(at + head.headBytes, at + head.bytes);
      at += head.bytes;
    }
    found = next;
  }
  return found;
}

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4));
}

describe("what stands in front of keyframes when their format changes", () => {
  test("is the parameter sets of H.264 behind their lengths, AV1's sequence header, nothing of VP9's", () => {
    assert.deepEqual([...(inBand(SMALL) ?? [])].slice(0, 6), [0, 0, 0, 10, 0x67, 320 & 0x7f]);
    assert.equal(inBand(SMALL)?.length, 4 + 10 + 4 + 4);
    const av1 = inBand({ codec: "av1", configuration: Uint8Array.of(0x81, 0, 12, 0, 10, 1, 7) });
    assert.deepEqual(av1, Uint8Array.of(10, 1, 7));
    assert.equal(inBand({ codec: "vp9", configuration: new Uint8Array(8) })?.length, 0);
  });

  test("is not to be had without parameter sets, beyond a bound, or of other codecs", () => {
    assert.equal(inBand(H264), undefined);
    assert.equal(inBand({ codec: "h265", configuration: new Uint8Array(3) }), undefined);
    assert.equal(inBand({ codec: "vp8", configuration: new Uint8Array(8) }), undefined);
    assert.equal(inBand(h264(320, IN_BAND_MAX_BYTES - 12))?.length, IN_BAND_MAX_BYTES);
    assert.equal(inBand(h264(320, IN_BAND_MAX_BYTES - 11)), undefined);
  });

  test("a change is told in a box that players pass over; cut off, or of others, it is none", () => {
    const entry = sampleDescription(LARGE);
    const bytes = encodeChange(7, entry);
    const head = decodeBoxHead(bytes);
    assert.deepEqual(head, { type: "free", headBytes: 8, bytes: bytes.length });
    const body = bytes.subarray(8);
    const change = decodeChange(body);
    assert.deepEqual([change?.keyframes, change?.width, change?.height], [7, 1280, 720]);
    assert.deepEqual(change?.entry, entry);
    for (let end = 0; end < body.length; end++) {
      assert.equal(decodeChange(body.subarray(0, end)), undefined);
    }
    assert.equal(decodeChange(new Uint8Array(body.length)), undefined);
    assert.equal(decodeChange(encodeChange(1, sampleDescription(OPUS)).subarray(8)), undefined);
  });

  test("goes into the media before each keyframe that lacks it, and the tables know", () => {
    const video: Mp4Track = { id: 1, format: SMALL, timescale: 90_000 };
    const audio: Mp4Track = { id: 2, format: OPUS, timescale: 48_000 };
    const decoded = decodeMovie(inside(initSegment([video, audio]), "moov"));
    assert.ok(!isFault(decoded));
    const tables = new MovieTables(decoded);
    const run = (track: Mp4Track, time: number, sizes: readonly number[], key: number): Mp4Run => ({
      track,
      baseTime: time,
      samples: sizes.map((size, i) => ({
        duration: 3000,
        compositionOffset: 0,
        keyframe: track === audio || i === key,
        data: new Uint8Array(size),
      })),
    });
    // Media: 0 v10* v20 | 30 a5 a6 | 41 v11 v21* v31 | 104 a7 | 111 v12* | 123 a8 | 131 v40
    for (const runs of [
      [run(video, 0, [10, 20], 0), run(audio, 0, [5, 6], 0)],
      [run(video, 6000, [11, 21, 31], 1), run(audio, 6000, [7], 0)],
      [run(video, 15_000, [12], 0), run(audio, 9000, [8], 0)],
      [run(video, 18_000, [40], 1)],
    ]) {
      const bytes = fragment(1, runs);
      const media = runs
        .flatMap(({ samples }) => samples)
        .reduce((n, one) => n + one.data.length, 0);
      tables.add(inside(bytes, "moof"), bytes.length - media - 8, 8, media);
    }
    const change = decodeChange(encodeChange(2, sampleDescription(LARGE)).subarray(8));
    assert.ok(change);
    tables.change(change);
    const smaller = decodeChange(encodeChange(2, sampleDescription(h264(640))).subarray(8));
    assert.ok(smaller);
    tables.change(smaller);
    const { places, bytes } = tables.takeInsertion();
    assert.deepEqual(places, [0, 52]);
    assert.deepEqual(bytes, inBand(SMALL));
    const n = bytes.length;
    assert.equal(tables.mediaBytes, 171 + 2 * n);
    const head = concat(tables.encodeHead());
    const moov = inside(head, "moov");
    const stbl = inside(moov, "trak", "mdia", "minf", "stbl");
    const sizes = [10 + n, 20, 11, 21 + n, 31, 12, 40];
    assert.deepEqual(words(inside(stbl, "stsz")).slice(3), sizes);
    const at = (place: number): number => head.length + place;
    assert.deepEqual(words(inside(stbl, "stco")).slice(2), [
      ...[at(0), at(41 + n), at(111 + 2 * n), at(131 + 2 * n)],
    ]);
    const second = inside(moov.subarray(secondTrack(moov)), "trak");
    const sound = inside(second, "mdia", "minf", "stbl", "stco");
    assert.deepEqual(words(sound).slice(2), [at(30 + n), at(104 + 2 * n), at(123 + 2 * n)]);
    // Described by the largest.
    const entry = inside(stbl, "stsd").subarray(8);
    assert.equal(new TextDecoder().decode(entry.subarray(4, 8)), "avc3");
    assert.deepEqual(entry.subarray(8), sampleDescription(LARGE).subarray(8));
    const tkhd = words(inside(moov, "trak", "tkhd"));
    assert.deepEqual(tkhd.slice(-2), [1280 * 0x1_0000, 720 * 0x1_0000]);
  });

  test("without a change nothing is put in, and the description stays", () => {
    const video: Mp4Track = { id: 1, format: SMALL, timescale: 90_000 };
    const decoded = decodeMovie(inside(initSegment([video]), "moov"));
    assert.ok(!isFault(decoded));
    const tables = new MovieTables(decoded);
    assert.deepEqual(tables.takeInsertion().places, []);
  });
});

/** Where the second `trak` begins in a `moov`. */
function secondTrack(moov: Uint8Array): number {
  for (let at = 0, found = 0; ; ) {
    const head = decodeBoxHead(moov, at);
    assert.ok(head);
    if (head.type === "trak" && ++found === 2) return at;
    at += head.bytes;
  }
}
