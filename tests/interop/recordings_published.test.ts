/** What Chromium publishes, recorded by a server, read and decoded by ffmpeg. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { launchChromium } from "../browser/chromium.ts";
import { startServer } from "../server_process.ts";
import { run } from "./ffmpeg_says.ts";
import { PUBLISHERS } from "./ways/publishers.ts";

interface Told {
  readonly duration_ms: number;
}

const CODECS = ["h264", "vp9"] as const;
const SECONDS = 4;

describe("recordings of browsers", () => {
  test("pictures are in the file from the first keyframe, with their sound", async (t) => {
    const root = mkdtempSync(join(tmpdir(), "monoport-published-"));
    const path = `${root}/[app]/[stream].mp4`;
    const args = ["--demo", "off", "--vhost.dvr.enabled", "on", "--vhost.dvr.dvr_path", path];
    const server = await startServer({ args });
    const browser = await launchChromium();
    t.after(async () => {
      await browser.close();
      await server.stop();
      rmSync(root, { recursive: true });
    });
    const told = async (): Promise<Told[]> => {
      const answer = await fetch(`${server.url}/api/v1/recordings`);
      return ((await answer.json()) as { recordings: Told[] }).recordings;
    };
    const stage = { servers: [server], browser };
    const publishing = [];
    for (const codec of CODECS) {
      const name = `Chromium, WHIP over TCP: ${codec === "h264" ? "H.264" : codec.toUpperCase()}, Opus`;
      const publisher = PUBLISHERS[name as keyof typeof PUBLISHERS];
      publishing.push(await publisher.start(stage, codec));
    }
    for (let i = 0; i < 600; i++) {
      const all = await told();
      const long = all.filter(({ duration_ms }) => duration_ms > SECONDS * 1000);
      if (long.length === CODECS.length) break;
      await sleep(100);
    }
    for (const one of publishing) await one.stop();
    for (let i = 0; i < 300 && server.output().split("Recorded file=").length <= CODECS.length; i++)
      await sleep(100);
    for (const codec of CODECS) {
      const fields = "-v warning -show_entries stream=codec_name,start_time,duration -of csv=p=0";
      const file = join(root, "live", `${codec}.mp4`);
      const shown = run(t, "ffprobe", [...fields.split(" "), file])
        .trim()
        .split("\n");
      const rows = shown.map((row) => row.split(","));
      const codecs = rows.map(([name]) => name);
      assert.deepEqual(codecs, [codec, "aac"], server.output());
      for (const [name, start, duration] of rows) {
        assert.ok(Number(start) < 0.3, `${name} of ${codec} begins at ${start}`);
        assert.ok(Number(duration) > SECONDS - 1, `${name} of ${codec} lasts ${duration}`);
      }
      const asTheyAre = "-fps_mode passthrough -enc_time_base 1/90000 -f null -".split(" ");
      run(t, "ffmpeg", ["-v", "warning", "-xerror", "-i", file, ...asTheyAre]);
    }
  });
});
