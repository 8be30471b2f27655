/**
 * What viewers feel while one address floods the port: `npm run bench:abuse [-- --runtime node]
 * [--players 20]`. Needs root: everything runs in a network namespace, where forged sources lead
 * nowhere.
 *
 * `cores` is the server's use, with its share of the kernel's; `others` is what all other programs
 * used meanwhile, the flood among them: together they cannot be more than the machine has.
 *
 * @module
 */
import "./help.ts";
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { parseArgs, promisify } from "node:util";
import { buildRtcload, runRtcload } from "../tests/load/rtcload.ts";
import type { Runtime } from "../tests/runtimes.ts";
import { type ServerProcess, startServer } from "../tests/server_process.ts";
import { need, repository } from "../tests/tools.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "node" },
    players: { type: "string", default: "20" },
    duration: { type: "string", default: "8" },
  },
});

const out = join(repository, ".cache", "flood");
const program = join(out, "flood");
const namespace = `monoport-abuse-${process.pid}`;
const prefix = ["ip", "netns", "exec", namespace];

/** Per second; those of connections are far over what one address may. */
const FLOODS = {
  none: 0,
  syn: 20_000,
  stun: 20_000,
  connections: 2_000,
  "client-hello": 2_000,
  "whip-post": 1_000,
} as const;
type Flood = keyof typeof FLOODS;

mkdirSync(out, { recursive: true });
execFileSync(need("gcc"), ["-O2", "-o", program, join(repository, "bench/flood/flood.c")]);
buildRtcload("720p30-1m.h264");
const offer = readFileSync(join(repository, "tests/vectors/sdp/chromium_play.sdp"), "latin1");
const files: Partial<Record<Flood, string>> = {
  connections: file("connections", "G"),
  "client-hello": file("client-hello", await clientHello()),
  "whip-post": file(
    "whip-post",
    `POST /whep/live/flood HTTP/1.1\r\nHost: a\r\nContent-Type: application/sdp\r\nContent-Length: ${offer.length}\r\n\r\n${offer}`,
  ),
};

run("ip", "netns", "add", namespace);
try {
  inside("ip", "link", "set", "lo", "up");
  inside("ip", "link", "add", "nowhere", "type", "veth", "peer", "name", "beyond");
  inside("ip", "addr", "add", "192.0.2.1/30", "dev", "nowhere");
  inside("ip", "link", "set", "nowhere", "up");
  inside("ip", "link", "set", "beyond", "up");
  // A neighbour that is not there: what goes to forged sources is lost behind him.
  inside("ip", "neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", "nowhere");
  inside("ip", "route", "add", "198.18.0.0/15", "via", "192.0.2.2");
  inside("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0");
  console.log("flood            /s   delivered   p50 ms   p99 ms   cores  others  answered");
  for (const flood of Object.keys(FLOODS) as Flood[]) await measure(flood);
} finally {
  run("ip", "netns", "del", namespace);
}

async function measure(flood: Flood): Promise<void> {
  const server = await startServer({
    runtime: values.runtime as Runtime,
    prefix,
    args: ["--demo", "off", "--http_api.https.enabled", "on", "--log.level", "error"],
  });
  try {
    const seconds = Number(values.duration) + 4;
    const flooding =
      flood === "none" ? undefined : promisify(execFile)(...command(flood, server, seconds));
    const args = ["--duration", values.duration];
    const players = Number(values.players);
    const report = await runRtcload({ server, video: "720p30-1m.h264", players, args, prefix });
    const counts =
      flooding && (JSON.parse((await flooding).stdout) as { sent: number; answered: number });
    const cells = [
      flood.padEnd(12),
      String(Math.round((counts?.sent ?? 0) / seconds)).padStart(7),
      report.delivered_ratio.toFixed(4).padStart(12),
      report.latency_ms.p50.toFixed(1).padStart(9),
      report.latency_ms.p99.toFixed(1).padStart(9),
      report.cores.toFixed(2).padStart(8),
      report.other_cores.toFixed(2).padStart(8),
      String(counts?.answered ?? 0).padStart(10),
    ];
    console.log(cells.join(""));
  } finally {
    await server.stop();
  }
}

function command(flood: Flood, server: ServerProcess, seconds: number): [string, string[]] {
  const kind = flood === "syn" || flood === "stun" ? flood : "talk";
  const more = flood === "stun" ? ufragOf(server) : (files[flood] ?? "");
  const rate = String(FLOODS[flood]);
  const args = [program, kind, server.host, String(server.port), rate, String(seconds), more];
  return [need("ip"), [...prefix.slice(1), ...args]];
}

/** Of a session that waits: the best a forger can know. */
function ufragOf(server: ServerProcess): string {
  const curl = `fetch("${server.url}/whep/live/flood", { method: "POST", headers: { "content-type": "application/sdp" }, body: process.argv[1] })
    .then((answer) => answer.text()).then((text) => process.stdout.write(text))`;
  const answer = run("ip", "netns", "exec", namespace, process.execPath, "-e", curl, offer);
  return /^a=ice-ufrag:(\S+)/m.exec(answer)?.[1] ?? "";
}

function file(name: string, bytes: string | Uint8Array): string {
  const path = join(out, name);
  writeFileSync(path, bytes);
  return path;
}

/** What a TLS client says first. */
function clientHello(): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.once("data", (bytes: Uint8Array) => {
        resolve(bytes);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("no port"));
      connectTls({ port: address.port, host: "127.0.0.1", servername: "localhost" }).on(
        "error",
        () => {},
      );
    });
  });
}

function run(tool: "ip" | "nft", ...args: readonly string[]): string {
  return execFileSync(need(tool), args, { encoding: "utf8", timeout: 20_000 });
}

function inside(tool: string, ...args: readonly string[]): void {
  run("ip", "netns", "exec", namespace, tool, ...args);
}
