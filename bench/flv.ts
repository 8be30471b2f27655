/**
 * HTTP-FLV to many viewers over real sockets: `npm run bench:flv [-- --runtime node,bun]
 * [--viewers 500] [--publisher rtmp,webrtc] [--merge 100,0] [--runs 3] [--stalled 0]`.
 *
 * One stream of 2.5 Mbit/s, 720p30 H.264 and AAC (by WebRTC: Opus, which is transcoded). The server is a
 * process of its own, and so are the viewers; `% of a core` is the server's CPU time, user and system,
 * all threads, over the window; `writes/s` go to each viewer. `--merge 0` is a write for each tag and viewer. Latency is
 * from the publisher's send of a picture to the viewer's read. Read `others` first: cores that all
 * other programs used, viewers and publisher among them.
 *
 * @module
 */
import "./help.ts";
import { parseArgs } from "node:util";
import { buildFlvload, type FlvReport, publishClip, runFlvload } from "../tests/load/flvload.ts";
import { buildRtcload, publishRtc } from "../tests/load/rtcload.ts";
import type { Runtime } from "../tests/runtimes.ts";
import { type ServerProcess, startServer } from "../tests/server_process.ts";
import { between, residentMb, type Share, used } from "./proc.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "node20,node,deno,bun" },
    viewers: { type: "string", default: "500" },
    stalled: { type: "string", default: "0" },
    publisher: { type: "string", default: "rtmp" },
    merge: { type: "string", default: "100" },
    duration: { type: "string", default: "20" },
    runs: { type: "string", default: "1" },
  },
});
const VIDEO = "720p30-2500k.h264";

const columns = [
  ["runtime", 8],
  ["publisher", 10],
  ["viewers", 8],
  ["merge ms", 9],
  ["% of a core", 12],
  ["kernel's", 9],
  ["writes/s", 9],
  ["delivered", 10],
  ["dropped", 8],
  ["p50 ms", 8],
  ["p99 ms", 8],
  ["RSS MB", 8],
  ["others", 7],
] as const;

buildFlvload();
buildRtcload(VIDEO, "720p30-2500k.flv", "chord.opus");
console.log(columns.map(([name, width]) => name.padStart(width)).join(""));
for (const runtime of values.runtime.split(",") as Runtime[]) {
  for (const publisher of values.publisher.split(",")) {
    for (const merge of values.merge.split(",")) {
      for (let run = 0; run < Number(values.runs); run++) await measure(runtime, publisher, merge);
    }
  }
}

async function measure(runtime: Runtime, publisher: string, merge: string): Promise<void> {
  const args = ["--demo", "off", "--vhost.play.mw_latency", merge, "--log.level", "error"];
  const server = await startServer({ runtime, args });
  let source: Disposable | undefined;
  try {
    source =
      publisher === "webrtc"
        ? publishRtc(server, "load", VIDEO)
        : await publishClip(server.port, "load");
    const edges = [used(server.pid)];
    const report = await runFlvload({
      port: server.port,
      path: "/live/load.flv",
      viewers: Number(values.viewers),
      stalled: Number(values.stalled),
      seconds: Number(values.duration),
      onEdge: () => edges.push(used(server.pid)),
    });
    const [, from, to] = edges;
    if (from === undefined || to === undefined) throw new Error("There was no window");
    const dropped = await metric(server, "monoport_flv_dropped_frames_total");
    const memory = residentMb(server.pid);
    console.log(row([runtime, publisher, merge], report, between(from, to), dropped, memory));
  } finally {
    source?.[Symbol.dispose]();
    await server.stop();
  }
}

/** Pictures that arrived at those whose tags were read, of the 30 a second that were sent. */
function delivered({ video_tags: tags, seconds, verified }: FlvReport): number {
  return tags / verified / (30 * seconds);
}

async function metric(server: ServerProcess, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
}

function row(
  [runtime = "", publisher = "", merge = ""]: readonly string[],
  report: FlvReport,
  share: Share,
  dropped: number,
  memory: number,
): string {
  const { viewers, stalled, latency_ms: latency } = report;
  const cells = [
    runtime,
    publisher,
    stalled > 0 ? `${viewers}-${stalled}` : String(viewers),
    merge,
    (share.cores * 100).toFixed(1),
    (share.system * 100).toFixed(1),
    (report.chunks / report.verified / report.seconds).toFixed(1),
    delivered(report).toFixed(3),
    String(dropped),
    latency.p50.toFixed(0),
    latency.p99.toFixed(0),
    memory.toFixed(0),
    share.others.toFixed(2),
  ];
  const line = cells.map((cell, at) => cell.padStart(columns[at]?.[1] ?? 0)).join("");
  const faults = report.bad_tags + report.lost + report.waiting;
  return faults === 0
    ? line
    : `${line}  ${report.bad_tags} bad tags, ${report.lost} lost, ${report.waiting} waiting`;
}
