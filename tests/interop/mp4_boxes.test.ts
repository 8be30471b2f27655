/** Frames of ffmpeg's encoders, put into our boxes, read and decoded by ffmpeg. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Mp4Track, timescaleOf } from "../../core/egress/mp4/mod.ts";
import { fragment, initSegment } from "../../server/mp4_boxes/mod.ts";
import { demux, ENCODERS, runOf } from "./clips.ts";
import { run, timesOf } from "./ffmpeg_says.ts";

/** By codec, what ffprobe calls it. */
const CASES = [
  ["h264", "h264,640x360"],
  ["h265", "hevc,640x360"],
  ["vp9", "vp9,640x360"],
  ["av1", "av1,640x360"],
  ["aac", "aac,LC,44100,2"],
  ["opus", "opus,48000,2"],
] as const;

describe("MP4 boxes read by ffmpeg", () => {
  for (const [codec, probed] of CASES) {
    const { encoder, box } = ENCODERS[codec];
    test(`${codec}: every frame decodes, with its time`, (t) => {
      const directory = mkdtempSync(join(tmpdir(), "monoport-mp4-"));
      t.after(() => rmSync(directory, { recursive: true }));
      const source = join(directory, "source.mp4");
      const video = box !== "esds" && box !== "dOps";
      const input = video
        ? "testsrc2=size=640x360:rate=25"
        : "sine=frequency=440:sample_rate=44100";
      run(t, "ffmpeg", [
        ..."-v error -f lavfi -i".split(" "),
        input,
        ...`-t 1 ${video ? "-pix_fmt yuv420p -g 10 -c:v" : "-ac 2 -c:a"} ${encoder}`.split(" "),
        source,
      ]);
      const { format, samples, file } = demux(source, codec, box);
      const track: Mp4Track = { id: 1, format, timescale: timescaleOf(format) };
      const made = join(directory, "made.mp4");
      const half = Math.floor(samples.length / 2);
      const parts = [samples.slice(0, half), samples.slice(half)];
      const all = parts.map((some, i) => fragment(i + 1, [runOf(track, some)]));
      writeFileSync(made, Buffer.concat([initSegment([track]), ...all]));
      const fields = "stream=codec_name,profile,width,height,sample_rate,channels";
      const shown = run(t, "ffprobe", [
        "-v",
        "warning",
        "-of",
        "json",
        "-show_entries",
        fields,
        made,
      ]);
      const [stream] = (JSON.parse(shown) as { streams: Record<string, unknown>[] }).streams;
      const { codec_name, profile, width, height, sample_rate, channels } = stream ?? {};
      const size = video ? `${width}x${height}` : `${sample_rate},${channels}`;
      assert.equal(`${codec_name},${codec === "aac" ? `${profile},` : ""}${size}`, probed);
      assert.equal(timesOf(t, made).length, samples.length);
      if (video) assert.deepEqual(timesOf(t, made), timesOf(t, source));
      run(t, "ffmpeg", ["-v", "error", "-xerror", "-i", made, "-f", "null", "-"]);
      assert.ok(file.length > 0);
    });
  }
});
