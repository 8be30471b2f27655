/** The core of the table on Deno and Bun: RTMP in, FLV, RTMP and HLS out, and WebRTC from each to the other. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ServerProcess, startServer } from "../../server_process.ts";
import { ffmpegSees } from "./ffmpeg_viewer.ts";
import { ffmpegPublishes, H264_AAC, type Publishing } from "./publishers.ts";
import { codecName, type Seen } from "./seen.ts";

const MILLIS = 45_000;
const APART = 40;
/** Twice transcoded by busy machines. */
const FAR_APART = 80;
const HERTZ = 1000;

describe("Ways in and out on Deno and Bun", () => {
  const servers = new Map<string, ServerProcess>();
  const publishing: Publishing[] = [];

  before(async () => {
    const args = ["--demo", "off", "--relay.allow", "127.0.0.1", "--rtc_server.protocol", "tcp"];
    for (const runtime of ["deno", "bun"] as const)
      servers.set(runtime, await startServer({ runtime, args }));
    const all = [...servers.values()];
    publishing.push(await ffmpegPublishes({ servers: all }, "own", H264_AAC));
    for (const [i, { url }] of all.entries()) {
      const far = all[1 - i]?.url;
      const made = await fetch(`${url}/api/v1/relays`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ kind: "pull", stream: "live/far", url: `${far}/whep/live/own` }),
      });
      assert.ok(made.ok, await made.text());
    }
    // Answered when there are two segments, long after the first reports.
    await Promise.all(all.map(async ({ url }) => (await fetch(`${url}/live/far.m3u8`)).text()));
  });
  after(async () => {
    for (const one of publishing) await one.stop();
    for (const server of servers.values()) await server.stop();
  });

  test("each plays what ffmpeg published there, and what it pulled from the other", async (t) => {
    const cells: [string, Promise<Seen>][] = [];
    for (const [runtime, { url, port }] of servers) {
      for (const [way, from] of [
        ["RTMP to HTTP-FLV", `${url}/live/own.flv`],
        ["RTMP to RTMP", `rtmp://127.0.0.1:${port}/live/own`],
        ["RTMP to HLS", `${url}/live/own.m3u8`],
        ["RTMP to WebRTC to HTTP-FLV", `${url}/live/far.flv`],
      ] as const)
        cells.push([`${runtime}: ${way}`, ffmpegSees(from, true, MILLIS)]);
    }
    for (const [words, seeing] of cells) {
      const seen = await seeing;
      await t.test(words, () => {
        const told = JSON.stringify(seen);
        assert.deepEqual(seen.complaints, []);
        assert.deepEqual([codecName(seen.video), codecName(seen.audio)], ["H.264", "AAC"], told);
        assert.ok(seen.frames > 60, told);
        assert.ok(Math.abs(seen.hertz - HERTZ) < 100, told);
        const usual = seen.apart.toSorted((a, b) => a - b)[seen.apart.length >> 1] ?? 0;
        assert.ok(Math.abs(usual) <= (words.includes("WebRTC") ? FAR_APART : APART), told);
      });
    }
  });
});
