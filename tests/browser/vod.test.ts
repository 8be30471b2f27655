/** A recording over HTTP: Chromium plays it and seeks, and so does ffmpeg. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeClip } from "../interop/clips.ts";
import { recordSizes, SIZES } from "../interop/sizes.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { launchChromium, openPage } from "./chromium.ts";

const SECONDS = 20;

interface Listed {
  readonly name: string;
  readonly format: string;
  readonly size: number;
  readonly url: string;
}

describe("a finished recording", () => {
  const folder = mkdtempSync(join(tmpdir(), "monoport-vod-"));
  let server: ServerProcess;
  let files: readonly Listed[] = [];

  before(async () => {
    const path = `${folder}/[app]/[stream].[timestamp].mp4`;
    const dvr = ["--vhost.dvr.enabled", "on", "--vhost.dvr.dvr_path", path];
    server = await startServer({ args: ["--demo", "off", ...dvr] });
    const words =
      `-v error -readrate 4 -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine -t ${SECONDS} ` +
      "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 25 -b:v 3M -c:a aac -f flv";
    const to = `rtmp://127.0.0.1:${server.port}/live/a`;
    const publisher = spawn(need("ffmpeg"), [...words.split(" "), to], { stdio: "ignore" });
    await when("the stream is live, and recorded as FLV too", async () => {
      const answer = await fetch(`${server.url}/api/v1/recordings`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ app: "live", stream: "a", format: "flv" }),
      });
      await answer.body?.cancel();
      return answer.ok;
    });
    if (publisher.exitCode === null) await once(publisher, "exit");
    await when("both are finished", async () => {
      const answer = await fetch(`${server.url}/api/v1/recordings/files`);
      files = ((await answer.json()) as { recordings: Listed[] }).recordings;
      return files.length === 2;
    });
  });

  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  const requests = async (): Promise<number> => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/^monoport_http_requests_total\{status="2xx"\} (\d+)$/m.exec(text)?.[1]);
  };

  for (const format of ["mp4", "flv"]) {
    test(`ffmpeg seeks in it over HTTP: ${format}`, async () => {
      const file = files.find((one) => one.format === format);
      assert.ok(file !== undefined);
      // That of FLV began later.
      const length = "-v error -show_entries format=duration -of csv=p=0".split(" ");
      const at = Math.floor(Number(said(...length, server.url + file.url)) * 0.75);
      assert.ok(at >= 3, `${at} s`);
      const before = await requests();
      const fields = "-v error -select_streams v -show_entries packet=pts_time,flags -of csv=p=0";
      const args = [...fields.split(" "), "-read_intervals", `${at}%+#1`, server.url + file.url];
      const stdout = said(...args);
      const [time, flags] = stdout.trim().split(",");
      assert.ok(Number(time) >= at - 2 && Number(time) <= at + 0.1, stdout);
      assert.match(flags ?? "", /^K/, "a keyframe");
      // The beginning, then a range; and the metrics.
      assert.ok((await requests()) - before >= 3);
    });
  }

  test("Chromium plays one whose pictures change their size, and seeks over the changes", async (t) => {
    const clips = SIZES.map((width, i) => makeClip("h264", 4, 1_000_000 + i * 4000, width));
    const path = await recordSizes(t, "mp4", clips, folder);
    const browser = await launchChromium();
    t.after(() => browser.close());
    const page = await openPage(browser, `${server.url}/recordings`);
    const url = `${server.url}/recordings${path.slice(folder.length)}`;
    const seen = await page.evaluate(async (address) => {
      const video = document.createElement("video");
      video.muted = true;
      video.src = address;
      document.body.append(video);
      const seen: string[] = [];
      const canvas = new OffscreenCanvas(32, 18).getContext("2d", { willReadFrequently: true });
      for (const time of [0.5, 4.5, 8.5, 4.5, 0.5, 8.5, 0.5, 4.5]) {
        const seeked = new Promise((resolve, reject) => {
          video.addEventListener("seeked", resolve, { once: true });
          video.addEventListener("error", () => reject(new Error(video.error?.message)));
        });
        video.currentTime = time;
        await seeked;
        canvas?.drawImage(video, 0, 0, 32, 18);
        const { data = [] } = canvas?.getImageData(0, 0, 32, 18) ?? {};
        seen.push(`${video.videoWidth} ${[...data].join(" ")}`);
      }
      return { seen, duration: video.duration };
    }, url);
    assert.ok(Math.abs(seen.duration - 12) < 0.2, `${seen.duration} s`);
    const widths = seen.seen.map((one) => Number(one.split(" ")[0]));
    assert.deepEqual(widths, [320, 640, 480, 640, 320, 480, 320, 640]);
    // The same picture, wherever it was come from.
    const [a, b, c, ...again] = seen.seen;
    assert.deepEqual(again, [b, a, c, a, b]);
    assert.equal(new Set(seen.seen).size, 3);
    const ended = await page.evaluate(async () => {
      const video = document.querySelector<HTMLVideoElement>("body > video");
      if (video === null) throw new Error("no video");
      const widths = new Set<number>();
      video.addEventListener("resize", () => void widths.add(video.videoWidth));
      video.currentTime = 3.5;
      video.playbackRate = 4;
      await video.play();
      await new Promise((resolve) => video.addEventListener("ended", resolve, { once: true }));
      return [...widths];
    });
    assert.deepEqual(ended.slice(-2), [640, 480]);
  });

  test("Chromium plays it on the page of recordings, and shows another picture at once; then it is deleted", async (t) => {
    const browser = await launchChromium();
    t.after(() => browser.close());
    const page = await openPage(browser, `${server.url}/recordings`);
    const name = files.find((one) => one.format === "mp4")?.name ?? "";
    const statuses = new Set<number>();
    page.on("response", (answer) => {
      if (answer.url().includes("/recordings/live/")) statuses.add(answer.status());
    });
    const row = page.locator(`[data-recording="${name}"]`);
    await row.locator("a").first().click();
    const played = await page.evaluate(async () => {
      const video = document.querySelector("video");
      if (video === null) throw new Error("no video");
      const shown = (): Promise<number> =>
        new Promise((resolve) => {
          video.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime));
        });
      const first = await shown();
      const { duration, videoWidth } = video;
      video.pause();
      video.currentTime = 15.02;
      await new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
      const later = shown();
      await video.play();
      return { first, duration, videoWidth, later: await later };
    });
    assert.ok(played.first < 10, JSON.stringify(played));
    assert.ok(Math.abs(played.duration - SECONDS) < 0.5, JSON.stringify(played));
    assert.equal(played.videoWidth, 640);
    assert.ok(played.later >= 14.9 && played.later < 19, JSON.stringify(played));
    assert.deepEqual([...statuses], [206]);
    page.on("dialog", (dialog) => void dialog.accept());
    await row.locator("button").click();
    await row.waitFor({ state: "detached" });
    assert.equal((await fetch(`${server.url}/recordings/${name}`)).status, 404);
  });
});

/** What ffprobe prints; it must say nothing of errors. */
function said(...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(need("ffprobe"), args, { encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout;
}

async function when(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 900; i++) {
    if (await holds()) return;
    await sleep(100);
  }
  throw new Error(`Not within 90 s: ${what}`);
}
