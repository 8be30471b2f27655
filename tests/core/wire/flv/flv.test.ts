import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../../core/base/mod.ts";
import { decodeFlvAudio, decodeFlvVideo, TAG_TRUNCATED } from "../../../../core/wire/flv/mod.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
const fourCc = (text: string): string => Buffer.from(text, "latin1").toString("hex");
const shown = (data: Uint8Array): string => Buffer.from(data).toString("hex");

const VIDEO = [
  ["AVC sequence header", "17 00 000000 0142", "h264", "config", true, 0, 0, "0142"],
  ["AVC keyframe, composition time 80", "17 01 000050 aabb", "h264", "frames", true, 80, 0, "aabb"],
  ["AVC inter frame, composition time -1", "27 01 ffffff aa", "h264", "frames", false, -1, 0, "aa"],
  ["AVC end of sequence", "17 02 000000", "h264", "end", true, 0, 0, ""],
  ["AVC of an unknown packet type", "17 03 000000 aa", "h264", "other", true, 0, 0, "aa"],
  [
    "HEVC by the number Chinese encoders use",
    "1c 01 000000 aa",
    "h265",
    "frames",
    true,
    0,
    0,
    "aa",
  ],
  ["Sorenson H.263", "12 aa", "unknown", "other", true, 0, 0, "aa"],
  ["a command frame", "57 00", "h264", "other", false, 0, 0, "00"],
  ["enhanced start", `90 ${fourCc("hvc1")} 01`, "h265", "config", true, 0, 0, "01"],
  [
    "enhanced frames with a time",
    `91 ${fourCc("hvc1")} 000028 aa`,
    "h265",
    "frames",
    true,
    40,
    0,
    "aa",
  ],
  ["enhanced frames X", `a3 ${fourCc("avc1")} aa`, "h264", "frames", false, 0, 0, "aa"],
  ["AV1 has no composition time", `91 ${fourCc("av01")} 0a0b`, "av1", "frames", true, 0, 0, "0a0b"],
  ["VP9", `a1 ${fourCc("vp09")} 0a`, "vp9", "frames", false, 0, 0, "0a"],
  ["metadata", `94 ${fourCc("hvc1")} aa`, "h265", "other", true, 0, 0, "aa"],
  [
    "one track of multitrack",
    `96 01 ${fourCc("hvc1")} 02 000001 aa`,
    "h265",
    "frames",
    true,
    1,
    2,
    "aa",
  ],
  [
    "the first of several tracks",
    `96 13 ${fourCc("av01")} 00 000002 aabb 01 000001 cc`,
    "av1",
    "frames",
    true,
    0,
    0,
    "aabb",
  ],
  ["behind a modifier", `97 02 010203 01 ${fourCc("av01")} aa`, "av1", "frames", true, 0, 0, "aa"],
  [
    "behind a modifier of 256 bytes",
    `97 ff 00ff ${"00".repeat(256)} 03 ${fourCc("av01")} aa`,
    "av1",
    "frames",
    true,
    0,
    0,
    "aa",
  ],
] as const;

for (const [name, bytes, codec, holds, keyframe, time, track, data] of VIDEO) {
  test(`video: ${name}`, () => {
    const decoded = decodeFlvVideo(hex(bytes));
    assert.ok(!isFault(decoded), String(decoded));
    assert.deepEqual(
      [
        decoded.codec,
        decoded.holds,
        decoded.keyframe,
        decoded.compositionTime,
        decoded.track,
        shown(decoded.data),
      ],
      [codec, holds, keyframe, time, track, data],
    );
  });
}

const AUDIO = [
  ["AAC configuration", "af 00 1210", "aac", "config", 2, 0, "1210"],
  ["AAC frame", "af 01 aa", "aac", "frames", 2, 0, "aa"],
  ["A-law, mono", "70 aabb", "pcma", "frames", 1, 0, "aabb"],
  ["mu-law", "80 aa", "pcmu", "frames", 1, 0, "aa"],
  ["MP3", "2f aa", "mp3", "frames", 2, 0, "aa"],
  ["Speex", "b2 aa", "unknown", "other", 1, 0, "aa"],
  ["enhanced Opus start", `90 ${fourCc("Opus")} aa`, "opus", "config", 2, 0, "aa"],
  ["enhanced Opus frame", `91 ${fourCc("Opus")} aa`, "opus", "frames", 2, 0, "aa"],
  ["enhanced FLAC", `91 ${fourCc("fLaC")} aa`, "unknown", "frames", 2, 0, "aa"],
  ["a second track", `95 01 ${fourCc("Opus")} 01 aa`, "opus", "frames", 2, 1, "aa"],
] as const;

for (const [name, bytes, codec, holds, channels, track, data] of AUDIO) {
  test(`audio: ${name}`, () => {
    const decoded = decodeFlvAudio(hex(bytes));
    assert.ok(!isFault(decoded), String(decoded));
    assert.deepEqual(
      [decoded.codec, decoded.holds, decoded.channels, decoded.track, shown(decoded.data)],
      [codec, holds, channels, track, data],
    );
  });
}

test("what ends before its data is cut off, and never throws", () => {
  for (const text of [
    "",
    "17",
    "17 00 0000",
    "90 6876",
    "91 68766331 0000",
    "96",
    "97 05 00",
    "97 ff 00",
  ]) {
    assert.equal(decodeFlvVideo(hex(text)), TAG_TRUNCATED, text);
  }
  for (const text of ["", "af", "90 4f70", "95", "97 01 00"]) {
    assert.equal(decodeFlvAudio(hex(text)), TAG_TRUNCATED, text);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      decodeFlvVideo(bytes);
      decodeFlvAudio(bytes);
    }),
    { seed: 41, numRuns: 3000 },
  );
});
