import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { startServer } from "../server_process.ts";
import { buildRtcload, runCalmly } from "./rtcload.ts";

const VIEWERS = 100;
/** Beside them, with 8 Mbit/s each. */
const FAST = 7;
const STALLED = 5;
const STALL_SECONDS = 5;
const SECONDS = 10;
/**
 * Media that may be under way to a stalled viewer: the bound of half a second, and what shows it.
 */
const UNDER_WAY_SECONDS = 1.5;
/** Young heaps grow by this much (Deno's by 85 MB), whether viewers stand still or not. */
const GROWTH_KB = 128 * 1024;

before(() => buildRtcload("720p30-1m.h264", "360p30-8m.h264"), { timeout: 180_000 });

test("100 viewers over TCP get every packet", async (t) => {
  const server = await startServer({ args: ["--demo", "off"] });
  t.after(() => server.stop());
  const report = await runCalmly({
    server,
    video: "720p30-1m.h264",
    players: VIEWERS,
    args: ["--duration", "5", "--min-ratio", "1"],
  });
  t.diagnostic(
    `${report.server_cpu_us_per_packet} us of CPU per packet, latency ${JSON.stringify(report.latency_ms)}`,
  );
  assert.equal(report.players_connected, VIEWERS, JSON.stringify(report));
  assert.equal(report.players_lost + report.players_failed + report.players_without_rtp, 0);
  assert.ok(report.expected_packets > VIEWERS * 500, `${report.expected_packets} packets`);
  assert.equal(report.delivered_ratio, 1);
  assert.equal(report.worst_player_ratio, 1);
  assert.ok(report.verify_ok > 0);
  assert.equal(report.verify_fail + report.payload_mismatch + report.rtcp_auth_fail, 0);
});

for (const runtime of ["node", "deno", "bun"] as const) {
  describe(`stalled viewers on ${runtime}`, () => {
    test("cost the others nothing, no memory, and go on at a keyframe", async (t) => {
      const server = await startServer({ runtime, args: ["--demo", "off"] });
      t.after(() => server.stop());
      const report = await runCalmly({
        server,
        video: "360p30-8m.h264",
        players: FAST + STALLED,
        args: [
          ...["--slow", String(STALLED), "--slow-for", String(STALL_SECONDS)],
          ...["--slow-at", "1", "--duration", String(SECONDS)],
        ],
      });
      const { slow, server_rss_kb: memory } = report;
      t.diagnostic(JSON.stringify({ slow, memory, latency: report.latency_ms }));
      assert.ok(slow, JSON.stringify(report));
      assert.ok(report.pub_mbps > 7, `${report.pub_mbps} Mbit/s`);
      assert.equal(slow.others_delivered_ratio, 1);
      assert.equal(slow.others_suffered, false);
      assert.equal(slow.dropped_by_server, 0, "they are not closed so soon");
      const delivered = slow.delivered_ratio * SECONDS;
      const most = SECONDS - STALL_SECONDS + UNDER_WAY_SECONDS;
      assert.ok(delivered < most, `${delivered} s of media went to stalled viewers`);
      assert.ok(slow.gaps >= STALLED, `${slow.gaps} gaps`);
      assert.equal(slow.gaps_to_inter_picture, 0, "they go on at a keyframe");
      assert.equal(slow.gaps_in_a_picture, 0, "no picture is cut");
      assert.equal(slow.players_up_to_date, STALLED);
      const growth = memory.peak - memory.start;
      assert.ok(growth < GROWTH_KB, `the server grew by ${growth} kB`);
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      const dropped = Number(/^monoport_dropped_frames_total (\d+)/m.exec(metrics)?.[1]);
      assert.ok(dropped > STALLED, `${dropped} dropped frames are counted`);
    });
  });
}
