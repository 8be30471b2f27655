/** Recordings of what ffmpeg's encoders make, read and decoded by ffmpeg. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import type { RecordingFormat } from "../../server/record/mod.ts";
import { nameOf } from "../server/hls/feed.ts";
import { stage, until } from "../server/record/stage.ts";
import { need } from "../tools.ts";
import { type Clip, makeClip, play } from "./clips.ts";
import { run, timesOf } from "./ffmpeg_says.ts";

const SECONDS = 3;
const START = 1_000_000;

/** Records both tracks; the path of the file. */
async function record(
  t: TestContext,
  kind: RecordingFormat,
  tracks: readonly Clip[],
): Promise<string> {
  const { recordings, feed, finished, names } = await stage(t);
  assert.equal(typeof recordings.start(nameOf("live/one"), { format: kind }, "api"), "object");
  play(tracks, {
    handleFormat: (format) => feed.format(format),
    handleFrame: (frame) => feed.frame(frame),
    handleEnd: () => {},
  });
  feed.end();
  await until("the file", () => finished.length === 1);
  assert.deepEqual(names(), [finished[0]?.name.replace("live/", "")]);
  return finished[0]?.file ?? "";
}

function decoded(t: TestContext, path: string): void {
  run(t, "ffmpeg", ["-v", "warning", "-xerror", "-i", path, "-f", "null", "-"]);
}

function shown(t: TestContext, path: string): { codecs: string[]; duration: number } {
  const fields = "stream=codec_name:format=duration";
  const text = run(t, "ffprobe", ["-v", "warning", "-of", "json", "-show_entries", fields, path]);
  const { streams, format } = JSON.parse(text) as {
    streams: { codec_name: string }[];
    format: { duration: string };
  };
  return { codecs: streams.map(({ codec_name }) => codec_name), duration: Number(format.duration) };
}

describe("recordings read by ffmpeg", () => {
  for (const [picture, sound, probed] of [
    ["h264", "aac", "h264"],
    ["h265", "aac", "hevc"],
    ["av1", "opus", "av1"],
    ["vp9", "opus", "vp9"],
  ] as const) {
    test(`MP4 of ${picture} and ${sound}: fast start, every frame with its time`, async (t) => {
      const tracks = [makeClip(picture, SECONDS, START), makeClip(sound, SECONDS, START)];
      const path = await record(t, "mp4", tracks);
      const { codecs, duration } = shown(t, path);
      assert.deepEqual(codecs, [probed, sound]);
      assert.ok(Math.abs(duration - SECONDS) < 0.15, `${duration} s`);
      decoded(t, path);
      const bytes = readFileSync(path);
      assert.ok(bytes.indexOf("moov") < bytes.indexOf("mdat"), "fast start");
      assert.equal(bytes.indexOf("moof"), -1);
      const pictures = tracks[0]?.frames ?? [];
      const firstDts = pictures[0]?.dts ?? 0;
      const expected = pictures.map(({ dts, pts }) => [
        Math.round(pts - firstDts),
        Math.round(dts - firstDts),
      ]);
      assert.deepEqual(timesOf(t, path, "v"), expected);
      assert.equal(timesOf(t, path, "a").length, tracks[1]?.frames.length);
    });
  }

  test("FLV of H.264 and AAC: duration, size and an index that ffmpeg seeks by", async (t) => {
    const path = await record(t, "flv", [
      makeClip("h264", SECONDS, START),
      makeClip("aac", SECONDS, START),
    ]);
    const { codecs, duration } = shown(t, path);
    assert.deepEqual(codecs, ["h264", "aac"]);
    assert.ok(Math.abs(duration - SECONDS) < 0.15, `${duration} s`);
    decoded(t, path);
    // ffmpeg 5.1 rounds the index's times to seconds: so not by seeking.
    const told = spawnSync(need("ffprobe"), ["-v", "trace", path], { encoding: "utf8" }).stderr;
    const index = [...told.matchAll(/keyframe filepositions = (\d+)/g)].map(([, at]) => at);
    const packets = "-v error -select_streams v -show_entries packet=pos,flags -of csv=p=0";
    const keyframes = run(t, "ffprobe", [...packets.split(" "), path]).match(/^\d+(?=,K)/gm);
    assert.deepEqual(index, keyframes);
    assert.equal(index.length, 2);
  });
});
