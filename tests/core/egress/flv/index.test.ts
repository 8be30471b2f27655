import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../../core/bytes/mod.ts";
import {
  encodeFlvHeader,
  encodeTags,
  FLV_DAMAGED,
  FlvIndex,
  FlvMuxer,
  INDEX_MAX,
} from "../../../../core/egress/flv/mod.ts";
import { type Amf0Object, decodeAmf0 } from "../../../../core/wire/amf0/mod.ts";
import { H264 } from "../hls/stage.ts";

const AAC = {
  ...H264,
  kind: "audio",
  codec: "aac",
  configuration: Uint8Array.of(0x12, 0x10),
  sampleRate: 44_100,
  channels: 2,
} as const;

/** So many pictures of 40 ms with a keyframe every 25, and sound. */
function file(pictures: number, formats = [H264, AAC]): Uint8Array {
  const muxer = new FlvMuxer({ server: "test", opus: true });
  for (const format of formats) muxer.setFormat(format as typeof H264);
  const tags = muxer.headers(0);
  for (let i = 0; i < pictures; i++) {
    const times = { dts: i * 40, pts: i * 40, data: new Uint8Array(20 + (i % 7)).fill(1) };
    for (const { kind } of formats) {
      const tag = muxer.frame({ kind, keyframe: kind === "audio" || i % 25 === 0, ...times });
      if (tag !== undefined) tags.push(tag);
    }
  }
  return encodeTags(tags, encodeFlvHeader(true, true));
}

function indexOf(bytes: Uint8Array, piece = bytes.length): FlvIndex {
  const index = new FlvIndex();
  for (let at = 0; at < bytes.length; at += piece) index.put(bytes.slice(at, at + piece));
  return index;
}

/** The file as it is written anew, and what its onMetaData says. */
function finished(bytes: Uint8Array, index: FlvIndex): { bytes: Uint8Array; told: Amf0Object } {
  const head = index.encodeHead() as Uint8Array;
  const anew = concat([head, bytes.subarray(index.mediaFrom, index.end)]);
  const [, told] = decodeAmf0(head.subarray(13 + 11, head.length - 4)) as [string, Amf0Object];
  return { bytes: anew, told };
}

describe("an index of FLV", () => {
  test("onMetaData tells duration, size and where keyframes are; what it said before stays", () => {
    const source = file(80);
    const { bytes, told } = finished(source, indexOf(source));
    assert.equal(told.get("duration"), 79 * 0.04);
    assert.equal(told.get("filesize"), bytes.length);
    assert.equal(told.get("width"), 640);
    const keyframes = told.get("keyframes") as Amf0Object;
    assert.deepEqual(keyframes.get("times"), [0, 1, 2, 3]);
    for (const at of keyframes.get("filepositions") as number[]) {
      assert.equal(bytes[at], 9, "a video tag");
      assert.equal((bytes[at + 11] ?? 0) >> 4, 1, "a keyframe");
      assert.equal(bytes[at + 12], 1, "coded, no configuration");
    }
  });

  test("it is the same in pieces of any size", () => {
    const source = file(30);
    const whole = finished(source, indexOf(source));
    for (const piece of [1, 2, 7, 13, 100, 1000]) {
      assert.deepEqual(finished(source, indexOf(source, piece)).bytes, whole.bytes, `${piece}`);
    }
  });

  test("a tag that is cut off is left out", () => {
    const source = file(30);
    const ends = new Set<number>();
    for (let at = 13; at < source.length; ) {
      at +=
        15 + ((source[at + 1] ?? 0) << 16) + ((source[at + 2] ?? 0) << 8) + (source[at + 3] ?? 0);
      ends.add(at);
    }
    assert.ok(ends.has(source.length));
    for (let cut = source.length; cut > source.length - 200; cut--) {
      const expected = Math.max(...[...ends].filter((end) => end <= cut));
      assert.equal(indexOf(source.slice(0, cut), 64).end, expected, `${cut}`);
    }
  });

  test("of very many keyframes every second one is told", () => {
    const index = new FlvIndex();
    const muxer = new FlvMuxer({ server: "test", opus: true });
    muxer.setFormat(H264);
    index.put(encodeTags(muxer.headers(0), encodeFlvHeader(true, false)));
    for (let i = 0; i < 3 * INDEX_MAX; i++) {
      const data = Uint8Array.of(1);
      const tag = muxer.frame({
        kind: "video",
        dts: i * 1000,
        pts: i * 1000,
        keyframe: true,
        data,
      });
      if (tag !== undefined) index.put(encodeTags([tag]));
    }
    const head = index.encodeHead() as Uint8Array;
    // Two numbers of 9 bytes for each.
    assert.ok(head.length < INDEX_MAX * 18 + 1000 && head.length > INDEX_MAX * 9, `${head.length}`);
  });

  test("what is no FLV, or holds no frame, is told", () => {
    const none = indexOf(new Uint8Array(1000));
    assert.ok(none.empty);
    assert.equal(none.encodeHead(), FLV_DAMAGED);
    assert.ok(indexOf(file(0)).empty, "configurations are no frames");
    assert.ok(indexOf(encodeFlvHeader(true, true)).empty);
    assert.equal(new FlvIndex().encodeHead(), FLV_DAMAGED);
    const source = file(10);
    for (let bit = 0; bit < 400 * 8; bit++) {
      const turned = source.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const index = indexOf(turned, 100);
      index.encodeHead();
      assert.ok(index.end <= turned.length);
    }
  });
});
