/** Recordings of pictures that change their size, decoded by ffmpeg. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { makeClip } from "./clips.ts";
import { run } from "./ffmpeg_says.ts";
import { recordSizes, SIZES } from "./sizes.ts";

/** Size and hash of each picture. */
function pictures(t: TestContext, path: string, ...before: readonly string[]): string[] {
  const args = [...before, "-i", path, "-map", "0:v", "-autoscale", "0", "-f", "framemd5", "-"];
  return run(t, "ffmpeg", ["-v", "error", ...args])
    .split("\n")
    .filter((line) => /^0,/.test(line))
    .map((line) => line.split(",").slice(4).join(",").trim());
}

/** The hash alone. */
function hash(picture: string): string {
  return picture.split(",").at(-1) ?? "";
}

describe("a recording of pictures that change their size", () => {
  for (const codec of ["h264", "h265", "vp9", "av1"] as const) {
    test(`${codec}: one MP4, decoded through the changes and from anywhere`, async (t) => {
      const clips = SIZES.map((width, i) => makeClip(codec, 2, 1_000_000 + i * 2000, width));
      const path = await recordSizes(t, "mp4", clips);
      const fields = "stream=width,height,codec_tag_string:format=duration";
      const probe = ["-v", "error", "-select_streams", "v", "-show_entries", fields];
      const told = run(t, "ffprobe", [...probe, "-of", "csv=p=0", path]);
      const tag = { h264: "avc3", h265: "hev1", vp9: "vp09", av1: "av01" }[codec];
      assert.match(told, new RegExp(`^${tag},\\d+,\\d+\\s+${2 * SIZES.length}\\.\\d+`), told);
      const all = pictures(t, path);
      const [first] = clips;
      assert.ok(first);
      const alone = pictures(t, await recordSizes(t, "mp4", [first]));
      assert.deepEqual(all.slice(0, 50).map(hash), alone.map(hash), "as it is alone");
      assert.equal(all.length, 50 * SIZES.length);
      for (const [i, width] of SIZES.entries()) {
        const size = (width * ((width * 9) / 16) * 3) / 2;
        const of = all.slice(i * 50, i * 50 + 50);
        assert.ok(
          of.every((one) => one.startsWith(`${size},`)),
          `${i}: ${of[0]}`,
        );
        // From a keyframe on, without what was before it.
        const seeked = pictures(t, path, "-ss", String(2 * i + 0.02));
        assert.deepEqual(seeked.slice(0, 40), all.slice(i * 50 + 1, i * 50 + 41), `from ${i}`);
      }
    });
  }
});
