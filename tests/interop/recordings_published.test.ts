/** What Chromium publishes, recorded by a server, read and decoded by ffmpeg. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
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
  test("are one file each, whose pictures begin at once, with their sound, and change their size", async (t) => {
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
    const widths = async (): Promise<number[]> => {
      const answer = await fetch(`${server.url}/api/v1/streams`);
      const { streams } = (await answer.json()) as { streams: { video: { width: number } }[] };
      return streams.map(({ video }) => video.width);
    };
    const stage = { servers: [server], browser };
    const publishing = [];
    for (const codec of CODECS) {
      const name = `Chromium, WHIP over TCP: ${codec === "h264" ? "H.264" : codec.toUpperCase()}, Opus`;
      const publisher = PUBLISHERS[name as keyof typeof PUBLISHERS];
      publishing.push(await publisher.start(stage, codec));
    }
    const until = async (seconds: number): Promise<void> => {
      for (let i = 0; i < 600; i++) {
        const all = await told();
        if (all.length === CODECS.length && all.every((one) => one.duration_ms > seconds * 1000))
          return;
        await sleep(100);
      }
      throw new Error(`not ${seconds} s within a minute: ${server.output()}`);
    };
    await until(SECONDS / 2);
    const before = await widths();
    for (const page of browser.contexts().flatMap((one) => one.pages())) {
      await page.evaluate(() =>
        (globalThis as unknown as { shrink: (times: number) => Promise<void> }).shrink(2),
      );
    }
    const same = async (): Promise<boolean> => (await widths()).some((one, i) => one === before[i]);
    for (let i = 0; i < 600 && (await same()); i++) await sleep(100);
    const [{ duration_ms: changed = 0 } = {}] = await told();
    await until(Math.max(SECONDS, changed / 1000 + 1));
    for (const one of publishing) await one.stop();
    for (let i = 0; i < 300 && server.output().split("Recorded file=").length <= CODECS.length; i++)
      await sleep(100);
    const names = CODECS.map((codec) => `${codec}.mp4`);
    assert.deepEqual(readdirSync(join(root, "live")).sort(), names);
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
      const sizes = "-v error -select_streams v -show_entries frame=width -of csv=p=0";
      const shownWidths = run(t, "ffprobe", [...sizes.split(" "), file]).match(/\d+/g);
      assert.ok(new Set(shownWidths).size >= 2, `${codec} changed its size`);
      const asTheyAre = "-fps_mode passthrough -enc_time_base 1/90000 -f null -".split(" ");
      run(t, "ffmpeg", ["-v", "warning", "-xerror", "-i", file, ...asTheyAre]);
    }
  });
});
