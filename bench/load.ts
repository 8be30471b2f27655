/**
 * Fan-out over real sockets: `npm run bench:load [-- --runtime node,deno] [--players 100,200]`
 * starts the server on each runtime and lets rtcload play one stream of 1 Mbit/s over TCP, or with
 * `--transport udp` over UDP, publisher and players alike; `--srtp gcm` offers AEAD_AES_128_GCM.
 *
 * CPU per packet is the server's, all its threads and the kernel's share for it included, divided
 * by the packets that arrived. Latency is from the publisher's send to the viewer's read. Read
 * `others` first: cores that other programs used meanwhile.
 *
 * @module
 */
import "./help.ts";
import { parseArgs } from "node:util";
import { buildRtcload, type LoadReport, runRtcload } from "../tests/load/rtcload.ts";
import type { Runtime } from "../tests/runtimes.ts";
import { startServer } from "../tests/server_process.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "node20,node,deno,bun" },
    players: { type: "string", default: "100,200" },
    duration: { type: "string", default: "10" },
    transport: { type: "string", default: "tcp" },
    srtp: { type: "string", default: "aes_cm" },
  },
});

const columns = [
  ["runtime", 8],
  ["players", 8],
  ["us/packet", 10],
  ["cores", 7],
  ["delivered", 10],
  ["p50 ms", 8],
  ["p99 ms", 8],
  ["RSS MB", 8],
  ["ms/handshake", 13],
  ["others", 7],
] as const;

buildRtcload("720p30-1m.h264");
console.log(columns.map(([name, width]) => name.padStart(width)).join(""));
for (const runtime of values.runtime.split(",")) {
  const server = await startServer({ runtime: runtime as Runtime, args: ["--demo", "off"] });
  try {
    for (const players of values.players.split(",").map(Number)) {
      const { duration, transport, srtp } = values;
      const args = ["--duration", duration, "--transport", transport, "--srtp", srtp];
      const report = await runRtcload({ server, video: "720p30-1m.h264", players, args });
      console.log(row(runtime, players, report));
    }
  } finally {
    await server.stop();
  }
}

function row(runtime: string, players: number, report: LoadReport): string {
  const cells = [
    runtime,
    String(players),
    report.server_cpu_us_per_packet.toFixed(1),
    report.cores.toFixed(2),
    report.delivered_ratio.toFixed(4),
    report.latency_ms.p50.toFixed(1),
    report.latency_ms.p99.toFixed(1),
    (report.server_rss_kb.peak / 1024).toFixed(0),
    report.server_cpu_ms_per_handshake.toFixed(1),
    report.other_cores.toFixed(2),
  ];
  return cells.map((cell, at) => cell.padStart(columns[at]?.[1] ?? 0)).join("");
}
