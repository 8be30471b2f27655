/** ffmpeg's HLS demuxer reads what we make of the demo stream. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";

describe("HLS read by ffmpeg", () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServer();
  });
  after(() => server?.stop());

  test("ffprobe finds both tracks and nothing to complain of", () => {
    const probe = spawnSync(
      need("ffprobe"),
      [
        ..."-v warning -rw_timeout 15000000 -of csv=p=0 -show_entries".split(" "),
        "stream=codec_name,width,height,sample_rate,channels",
        `${server.url}/live/demo.m3u8`,
      ],
      { encoding: "utf8", timeout: 40_000 },
    );
    assert.equal(probe.stderr, "");
    const found = [...new Set(probe.stdout.trim().split("\n"))].filter((line) => line !== "");
    assert.equal(found[0], "h264,640,360");
    assert.match(found[1] ?? "", /^(aac|opus),48000,2$/);
  });

  test("ffmpeg decodes three seconds without an error", () => {
    const decode = spawnSync(
      need("ffmpeg"),
      [
        ..."-v error -xerror -rw_timeout 15000000 -i".split(" "),
        `${server.url}/live/demo.m3u8`,
        // Frames that come unevenly must not share a tick of the encoder.
        ..."-t 3 -vsync passthrough -enc_time_base -1 -progress - -f null -".split(" "),
      ],
      { encoding: "utf8", timeout: 40_000 },
    );
    assert.equal(decode.stderr, "");
    assert.equal(decode.status, 0);
    const frames = [...decode.stdout.matchAll(/^frame=(\d+)$/gm)].map(([, count]) => Number(count));
    assert.ok(Math.max(...frames) >= 85, `${Math.max(...frames)} frames`);
  });
});
