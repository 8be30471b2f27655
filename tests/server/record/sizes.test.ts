import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { FrameFormat } from "../../../core/stream/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { H264, OPUS } from "../../core/egress/hls/stage.ts";
import { nameOf } from "../hls/feed.ts";
import { stage, until } from "./stage.ts";

const ONE = nameOf("live/one");
const AAC = { ...OPUS, codec: "aac", configuration: Uint8Array.of(0x11, 0x90) } as const;

function h264(width: number): FrameFormat {
  const sets = [0xe1, 0, 4, 0x67, 1, 2, width & 255, 1, 0, 2, 0x68, 1];
  const configuration = Uint8Array.of(1, 0x42, 0xc0, 0x1e, 0xff, ...sets);
  return { ...H264, width, height: (width * 9) / 16, configuration };
}

/** The parameter sets as they stand in front of a keyframe. */
function sets(width: number): Buffer {
  return Buffer.from([0, 0, 0, 4, 0x67, 1, 2, width & 255, 0, 0, 0, 2, 0x68, 1]);
}

function count(bytes: Buffer, part: Buffer): number {
  let found = 0;
  for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + 1)) found++;
  return found;
}

describe("recordings of pictures whose size changes", () => {
  test("stay one MP4, with the parameter sets in front of every keyframe", async (t) => {
    const { recordings, feed, finished } = await stage(t);
    recordings.start(ONE, {}, "api");
    feed.format(h264(320), AAC);
    feed.play(0, 3000);
    feed.format(h264(640));
    feed.play(3000, 2000);
    feed.format(h264(480));
    feed.play(5000, 1000);
    feed.end();
    await until("the end", () => recordings.facts()[0]?.state === "ended" && finished.length > 0);
    assert.equal(finished.length, 1);
    const [one] = finished;
    assert.ok(Math.abs((one?.duration ?? 0) - 6000) < 100);
    const bytes = readFileSync(one?.file ?? "");
    assert.equal(bytes.length, one?.size);
    assert.deepEqual(
      [320, 640, 480].map((width) => count(bytes, sets(width))),
      [3, 2, 1],
    );
    assert.ok(bytes.includes("avc3"));
    assert.ok(!bytes.includes("mpch"), "the box is in parts alone");
    assert.equal(recordings.facts()[0]?.files, 1);
  });

  test("without a change nothing stands in front, and it is avc1", async (t) => {
    const { recordings, feed, finished } = await stage(t);
    recordings.start(ONE, {}, "api");
    feed.format(h264(320), AAC);
    feed.play(0, 3000);
    feed.end();
    await until("the end", () => finished.length === 1);
    const bytes = readFileSync(finished[0]?.file ?? "");
    assert.ok(bytes.includes("avc1avcC") || bytes.includes("avcC"));
    assert.ok(!bytes.includes("avc3"));
    assert.equal(count(bytes, sets(320)), 0);
  });

  test("are finished after a kill, wherever that came", async (t) => {
    const first = await stage(t);
    first.recordings.start(ONE, {}, "api");
    first.feed.format(h264(320), AAC);
    first.feed.play(0, 3000);
    first.feed.format(h264(640));
    first.feed.play(3000, 4000);
    await until("bytes", () => (first.recordings.facts()[0]?.bytes ?? 0) > 25_000);
    const { files } = await loadRuntime();
    const [facts] = first.recordings.facts();
    const bytes = Buffer.from(await files.read(join(first.folder, `${facts?.file}.part`)));
    const mark = bytes.indexOf("mpch");
    assert.ok(mark > 0);
    for (const [i, end] of [mark, mark + 30, mark + 400, bytes.length - 77].entries()) {
      const path = join(first.folder, "live", `two.${i}.mp4.part`);
      await files.write(path, bytes.subarray(0, end));
    }
    const { recordings, finished } = await stage(t, { folder: first.folder, hurry: 5 });
    await recordings.recover();
    first.feed.play(7000, 500);
    await until("all four", () => finished.length === 4);
    const seen = finished
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ file }) => readFileSync(file))
      .map((one) => [one.includes("avc3"), count(one, sets(320)), count(one, sets(640)) > 0]);
    assert.deepEqual(seen, [
      [false, 0, false],
      [false, 0, false],
      [true, 2, false],
      [true, 3, true],
    ]);
  });

  test("go on in one FLV where decoders need nothing told (VP9, VP8), and in another file where they do", async (t) => {
    for (const [codec, files] of [
      ["vp9", 1],
      ["vp8", 1],
      ["h264", 2],
    ] as const) {
      const { recordings, feed, finished } = await stage(t);
      recordings.start(ONE, { format: "flv" }, "api");
      const of = (width: number): FrameFormat =>
        codec === "h264"
          ? h264(width)
          : { ...H264, codec, width, configuration: new Uint8Array(8).fill(width & 1) };
      feed.format(of(320), AAC);
      feed.play(0, 2000);
      feed.format(of(641));
      feed.play(2000, 2000);
      feed.end();
      await until(codec, () => finished.length === files);
      const whole = finished.reduce((sum, { duration }) => sum + duration, 0);
      assert.ok(Math.abs(whole - 4000) < 200, `${codec}: ${whole} ms`);
    }
  });
});
