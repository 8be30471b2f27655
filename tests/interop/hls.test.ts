/** ffmpeg's HLS demuxer reads what we make of the demo stream. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { brokenRules, readPlaylist } from "../core/egress/hls/playlist_rules.ts";
import { until } from "../server/rtc/client.ts";
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
      { encoding: "utf8", timeout: 90_000 },
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
      { encoding: "utf8", timeout: 90_000 },
    );
    assert.equal(decode.stderr, "");
    assert.equal(decode.status, 0);
    const frames = [...decode.stdout.matchAll(/^frame=(\d+)$/gm)].map(([, count]) => Number(count));
    assert.ok(Math.max(...frames) >= 85, `${Math.max(...frames)} frames`);
  });
});

describe("HLS of MPEG-TS, and in files", () => {
  test("what ffmpeg publishes by RTMP it reads from the server and from the folder", async (t) => {
    const root = mkdtempSync(join(tmpdir(), "monoport-hls-"));
    t.after(() => rmSync(root, { recursive: true }));
    const server = await startServer({
      args: [
        ...["--vhost.hls.hls_ts", "on", "--vhost.hls.hls_path", root],
        ...["--vhost.hls.hls_dispose", "120", "--demo", "off"],
      ],
    });
    t.after(() => server.stop());
    const publisher = spawn(
      need("ffmpeg"),
      [
        ..."-v error -re -f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine -t 7".split(
          " ",
        ),
        ..."-c:v libx264 -preset ultrafast -g 50 -pix_fmt yuv420p -c:a aac -f flv".split(" "),
        `rtmp://127.0.0.1:${server.port}/live/one`,
      ],
      { stdio: "inherit" },
    );
    t.after(() => publisher.kill("SIGKILL"));
    const published = once(publisher, "exit");
    const url = `${server.url}/live/one.m3u8`;
    const isLive = async (): Promise<boolean> =>
      /"active":true/.test(await (await fetch(`${server.url}/api/v1/streams/`)).text());
    await until(isLive, "ffmpeg publishes");
    const begun = Date.now();
    const answer = await fetch(url);
    const waited = Date.now() - begun;
    assert.equal(answer.status, 200);
    // Two fragments of 2 s.
    assert.ok(waited < 10_000, `${waited} ms until a player can start`);
    const [status] = await published;
    assert.equal(status, 0);
    const path = join(root, "live/one.m3u8");
    for (const source of [url, path]) {
      const decode = spawnSync(
        need("ffmpeg"),
        [
          ..."-v error -xerror -live_start_index 0 -i".split(" "),
          source,
          ..."-t 5 -vsync passthrough -enc_time_base -1 -f null -".split(" "),
        ],
        { encoding: "utf8", timeout: 90_000 },
      );
      assert.equal(decode.stderr, "");
      assert.equal(decode.status, 0);
    }
    // hlsdemux and tsdemux are of the same plugins as rtmp2, souphttpsrc and aacparse of those of flv.
    for (const plugin of ["gstreamer rtmp", "gstreamer flv"] as const) need(plugin);
    const gst = spawnSync(
      need("gst-launch-1.0"),
      [
        ...["-q", "souphttpsrc", `location=${url}`],
        ..."! hlsdemux ! tsdemux name=d d. ! queue ! h264parse ! identity eos-after=51".split(" "),
        ..."! fakesink sync=false d. ! queue ! aacparse ! fakesink sync=false".split(" "),
      ],
      { encoding: "utf8", timeout: 90_000 },
    );
    assert.equal(gst.status, 0, gst.stderr);
    const text = readFileSync(path, "utf8");
    assert.deepEqual(brokenRules(text), []);
    assert.ok(readPlaylist(text).segments.length >= 3);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, /^monoport_hls_files_segments_total [3-9]$/m);
    assert.ok(readdirSync(join(root, "live")).every((name) => /^one(-\d+\.ts|\.m3u8)$/.test(name)));
  });

  test("Deno, which may not write, is told the flag; a folder that is a file is named", async () => {
    const args = ["--vhost.hls.hls_path", "/nowhere/hls"];
    await assert.rejects(
      startServer({ runtime: "deno", args }),
      /vhost\.hls\.hls_path: cannot write to the folder \/nowhere\/hls: .*--allow-write=\/nowhere\/hls/,
    );
    await assert.rejects(
      startServer({ args: ["--vhost.hls.hls_path", "/dev/null"] }),
      /vhost\.hls\.hls_path: cannot write to the folder \/dev\/null/,
    );
  });
});
