/** hls.js in Chromium plays the demo stream with low latency, and every codec of HLS. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, type TestContext, test } from "node:test";
import type { Browser } from "playwright-core";
import { loadRuntime } from "../../runtime/mod.ts";
import { END_MILLIS } from "../../server/hls/mod.ts";
import { type Clip, makeClip, play } from "../interop/clips.ts";
import { nameOf } from "../server/hls/feed.ts";
import { served } from "../server/hls/fixture.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { launchChromium } from "./chromium.ts";
import { openPage, playHls, playToTheEnd, quantile } from "./hls_page.ts";

const PLAY_MILLIS = 30_000;
const EPOCH = 1_767_225_600_000;

describe("HLS played by hls.js", () => {
  let server: ServerProcess;
  let browser: Browser;
  before(async () => {
    [server, browser] = await Promise.all([startServer(), launchChromium()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("joins within 2 s, stays within 2.5 s, and does not stall", async (t) => {
    // That of a browser which has just started, and has no decoder yet, is not measured.
    await playHls(browser, server.url, 500);
    const played = await playHls(browser, server.url, PLAY_MILLIS);
    t.diagnostic(JSON.stringify({ ...played, latencies: played.latencies.slice(-3) }));
    assert.deepEqual(played.errors, []);
    assert.deepEqual(played.stalls, []);
    assert.equal(played.width, 640);
    assert.ok(played.joinMillis < 2000, `joined after ${played.joinMillis} ms`);
    assert.ok(played.playedSeconds > PLAY_MILLIS / 1000 - 2, `${played.playedSeconds} s played`);
    const usual = quantile(played.latencies, 0.5);
    assert.ok(usual > 0 && usual <= 2500, `${usual} ms behind`);
  });

  test("a stream of which nothing is made yet plays within 7 s", async (t) => {
    const { joinMillis, width } = await playHls(
      browser,
      server.url,
      1,
      "live/demo.m3u8?audio=opus",
    );
    t.diagnostic(`${joinMillis} ms`);
    assert.equal(width, 640);
    assert.ok(joinMillis < 7000, `played after ${joinMillis} ms`);
  });

  for (const { video, audio, ts } of [
    { video: "vp9", audio: "opus", ts: false },
    { video: "av1", audio: "opus", ts: false },
    { video: "h264", audio: "aac", ts: true },
  ] as const) {
    test(`${video} and ${audio} in ${ts ? "MPEG-TS" : "MP4"} play, over a change of size`, async (t) => {
      const url = await serveClips(t, ts, [
        [makeClip(video, 2, EPOCH), makeClip(audio, 2, EPOCH)],
        [makeClip(video, 2, EPOCH + 2000, 480), makeClip(audio, 2, EPOCH + 2000)],
      ]);
      const page = await openPage(browser, `${url}/`);
      t.after(() => page.close());
      const played = await page.evaluate(playToTheEnd, `${url}/live/one.m3u8?audio=${audio}`);
      t.diagnostic(JSON.stringify(played));
      assert.deepEqual(played.errors, []);
      assert.deepEqual(played.widths, [320, 480]);
      assert.ok(played.seconds > 3.5, `${played.seconds} s`);
    });
  }
});

/** A stream that is over: all of `clips`, the next as another publisher's. The URL has no slash at its end. */
async function serveClips(
  t: TestContext,
  ts: boolean,
  clips: readonly (readonly Clip[])[],
): Promise<string> {
  const begun = (await loadRuntime()).now();
  let later = 0;
  const { feed, hls, get } = await served(t, { ts, now: () => begun + later });
  hls.open(nameOf("live/one"), ts ? "aac" : "opus");
  for (const some of clips) {
    for (const { sink } of feed.taps) play(some, sink);
    feed.end();
  }
  later = END_MILLIS;
  const web = createServer(async (request, response) => {
    const answer = await get(request.url ?? "/");
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  t.after(() => {
    web.close();
    web.closeAllConnections();
  });
  await once(web.listen(0, "127.0.0.1"), "listening");
  const { port } = web.address() as { port: number };
  return `http://127.0.0.1:${port}`;
}
