import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault } from "../../../../core/base/mod.ts";
import { concat } from "../../../../core/bytes/mod.ts";
import {
  decodeBoxHead,
  decodeFragment,
  decodeMovie,
  FRAGMENT_DAMAGED,
  MOVIE_DAMAGED,
  MovieTables,
  type Mp4Run,
  type Mp4Track,
  RUN_MAX_SAMPLES,
} from "../../../../core/egress/mp4/mod.ts";
import { fragment, initSegment } from "../../../../server/mp4_boxes/mod.ts";
import { H264, OPUS } from "../hls/stage.ts";

const VIDEO: Mp4Track = { id: 1, format: H264, timescale: 90_000 };
const AUDIO: Mp4Track = { id: 2, format: OPUS, timescale: 48_000 };

function run(
  track: Mp4Track,
  baseTime: number,
  sizes: readonly number[],
  duration: number,
): Mp4Run {
  const samples = sizes.map((size, i) => ({
    duration,
    compositionOffset: track === VIDEO && i % 2 === 1 ? 3000 : 0,
    keyframe: track === AUDIO || i === 0,
    data: new Uint8Array(size).fill(size),
  }));
  return { track, baseTime, samples };
}

/** The contents of a box of `bytes`, at a path of types. */
function inside(bytes: Uint8Array, ...path: readonly string[]): Uint8Array {
  let found = bytes;
  for (const wanted of path) {
    let next: Uint8Array | undefined;
    for (let at = 0; at < found.length; ) {
      const head = decodeBoxHead(found, at);
      assert.ok(head);
      if (head.type === wanted) next ??= found.subarray(at + head.headBytes, at + head.bytes);
      at += head.bytes;
    }
    assert.ok(next, wanted);
    found = next;
  }
  return found;
}

function numbers(bytes: Uint8Array, from: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: (bytes.length - from) / 4 }, (_, i) => view.getInt32(from + i * 4));
}

function tracksOf(...tracks: readonly Mp4Track[]): MovieTables {
  const decoded = decodeMovie(inside(initSegment(tracks), "moov"));
  assert.ok(!isFault(decoded));
  return new MovieTables(decoded);
}

function add(tables: MovieTables, runs: readonly Mp4Run[]): unknown {
  const bytes = fragment(1, runs);
  const moof = inside(bytes, "moof");
  const media = runs.reduce((sum, { samples }) => {
    return samples.reduce((all, { data }) => all + data.length, sum);
  }, 0);
  return tables.add(moof, bytes.length - media - 8, 8, media);
}

describe("a movie out of fragments", () => {
  test("its tables tell times, sizes, keyframes and where each run is", () => {
    const tables = tracksOf(VIDEO, AUDIO);
    add(tables, [run(VIDEO, 0, [10, 20, 30], 3000), run(AUDIO, 480, [5, 6], 960)]);
    add(tables, [run(VIDEO, 12_000, [11, 21, 31], 3000), run(AUDIO, 2400, [7, 8], 960)]);
    assert.equal(tables.samples, 10);
    assert.equal(tables.mediaBytes, 60 + 11 + 63 + 15);
    assert.equal(tables.millis, (21_000 * 1000) / 90_000);
    const head = concat(tables.encodeHead());
    const stbl = inside(head, "moov", "trak", "mdia", "minf", "stbl");
    // The third lasts until the second fragment begins: 3000 more.
    assert.deepEqual(numbers(inside(stbl, "stts"), 4), [3, 2, 3000, 1, 6000, 3, 3000]);
    assert.deepEqual(numbers(inside(stbl, "ctts"), 4), [5, 1, 0, 1, 3000, 2, 0, 1, 3000, 1, 0]);
    assert.deepEqual(numbers(inside(stbl, "stss"), 4), [2, 1, 4]);
    assert.deepEqual(numbers(inside(stbl, "stsz"), 4), [0, 6, 10, 20, 30, 11, 21, 31]);
    assert.deepEqual(numbers(inside(stbl, "stsc"), 4), [1, 1, 3, 1]);
    const mediaAt = head.length;
    assert.deepEqual(numbers(inside(stbl, "stco"), 4), [2, mediaAt, mediaAt + 71]);
  });

  test("a track that begins later is put off by an edit (§8.6.6)", () => {
    const tables = tracksOf(AUDIO);
    add(tables, [run(AUDIO, 4800, [5, 6], 960)]);
    const head = concat(tables.encodeHead());
    const edits = numbers(inside(head, "moov", "trak", "edts", "elst"), 4);
    assert.deepEqual(edits, [2, 100, -1, 0x1_0000, 40, 0, 0x1_0000]);
    assert.deepEqual(numbers(inside(head, "moov", "mvhd"), 12).slice(0, 2), [1000, 140]);
  });

  test("a track without a sample is not in it", () => {
    const tables = tracksOf(VIDEO, AUDIO);
    add(tables, [run(AUDIO, 0, [5], 960)]);
    const moov = inside(concat(tables.encodeHead()), "moov");
    assert.equal(numbers(inside(moov, "trak", "tkhd"), 12)[0], 2);
    assert.equal(new TextDecoder("latin1").decode(moov).split("trak").length, 2);
  });

  test("beyond 4 GiB chunks and media have 64 bits (co64, largesize)", () => {
    const tables = tracksOf(AUDIO);
    const large = { ...run(AUDIO, 0, [5], 960) };
    const bytes = fragment(1, [large]);
    const moof = inside(bytes, "moof");
    const gigabytes = 3 * 2 ** 30;
    // What is not told of a fragment's media is skipped.
    for (const _ of [1, 2]) tables.add(moof, bytes.length - 5 - 8, 8, gigabytes);
    const head = concat(tables.encodeHead());
    const stbl = inside(head, "moov", "trak", "mdia", "minf", "stbl");
    const [count, high0, low0, high1, low1] = numbers(inside(stbl, "co64"), 4);
    assert.deepEqual([count, high0, low0], [2, 0, head.length]);
    assert.equal((high1 ?? 0) * 2 ** 32 + ((low1 ?? 0) >>> 0), head.length + gigabytes);
    const mdat = decodeBoxHead(head, head.length - 16);
    assert.deepEqual(mdat, { type: "mdat", headBytes: 16, bytes: 2 * gigabytes + 16 });
  });

  test("a fragment cut off at any byte, or with any bit turned, is a fault or other values, never an error", () => {
    const moof = inside(
      fragment(1, [run(VIDEO, 0, [10, 20], 3000), run(AUDIO, 0, [5], 960)]),
      "moof",
    );
    assert.equal((decodeFragment(moof) as unknown[]).length, 2);
    for (let length = 0; length < moof.length; length++) decodeFragment(moof.slice(0, length));
    for (let bit = 0; bit < moof.length * 8; bit++) {
      const turned = moof.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      tracksOf(VIDEO, AUDIO).add(turned, moof.length + 8, 8, 35);
    }
    const moov = inside(initSegment([VIDEO, AUDIO]), "moov");
    for (let length = 0; length < moof.length; length++) decodeMovie(moov.slice(0, length));
    for (let bit = 0; bit < moov.length * 8; bit++) {
      const turned = moov.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      decodeMovie(turned);
    }
  });

  test("runs beyond the media, of unknown tracks, or too long are refused", () => {
    const bytes = fragment(1, [run(VIDEO, 0, [10, 20], 3000)]);
    const moof = inside(bytes, "moof");
    const moofBytes = bytes.length - 30 - 8;
    assert.equal(tracksOf(VIDEO).add(moof, moofBytes, 8, 29), MOVIE_DAMAGED);
    assert.equal(tracksOf(VIDEO).add(moof, moofBytes + 9, 8, 30), MOVIE_DAMAGED);
    assert.equal(tracksOf({ ...VIDEO, id: 7 }).add(moof, moofBytes, 8, 30), MOVIE_DAMAGED);
    assert.equal(decodeMovie(new Uint8Array(0)), MOVIE_DAMAGED);
    const long = moof.slice();
    const at = Buffer.from(long).indexOf("trun") + 8;
    new DataView(long.buffer).setUint32(at, RUN_MAX_SAMPLES + 1);
    assert.equal(decodeFragment(long), FRAGMENT_DAMAGED);
  });
});
