import assert from "node:assert/strict";
import { before, test } from "node:test";
import { startServer } from "../server_process.ts";
import { buildFlvload, publishClip, runFlvload } from "./flvload.ts";
import { buildRtcload } from "./rtcload.ts";

const VIEWERS = 60;
const STALLED = 10;
const SECONDS = 3;

before(
  () => {
    buildFlvload();
    buildRtcload("720p30-2500k.flv");
  },
  { timeout: 180_000 },
);

test("HTTP-FLV viewers of 2.5 Mbit/s get every tag, in a write each 100 ms, while others stand still", async (t) => {
  const server = await startServer({ args: ["--demo", "off"] });
  t.after(() => server.stop());
  const source = await publishClip(server.port, "load");
  t.after(() => source[Symbol.dispose]());
  const report = await runFlvload({
    port: server.port,
    path: "/live/load.flv",
    viewers: VIEWERS,
    stalled: STALLED,
    settleSeconds: 2,
    seconds: SECONDS,
  });
  t.diagnostic(JSON.stringify(report));
  assert.equal(report.lost + report.waiting + report.bad_tags, 0);
  // 30 pictures and 47 frames of AAC a second; a busy machine moves some over the edges.
  const { verified, video_tags: video, audio_tags: audio, chunks } = report;
  assert.ok(verified >= 2);
  assert.ok(video / verified > SECONDS * 24, `${video} pictures for ${verified} viewers`);
  assert.ok(audio / verified > SECONDS * 37, `${audio} sounds for ${verified} viewers`);
  assert.ok(report.least_of_most > 0.8, `the least got ${report.least_of_most} of the most`);
  assert.ok(chunks / verified <= SECONDS * 10 + 1, `${chunks} writes for ${verified} viewers`);
});
