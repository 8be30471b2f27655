/**
 * What one stream costs the server, by way out: `npm run bench:bridge [-- --runtime node,bun]
 * [--publisher webrtc,rtmp] [--duration 15] [--case flv,rtmp]`.
 *
 * One publisher of 2.5 Mbit/s, 720p30, over TCP: by WebRTC with Opus, by RTMP with AAC. `% of a core` is the
 * server's CPU time, user and system, all threads, over the window. Read `others` first: cores that all other
 * programs used.
 *
 * @module
 */
import "./help.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildFlvload, publishClip, runFlvload } from "../tests/load/flvload.ts";
import { buildRtcload, playRtc, publishRtc } from "../tests/load/rtcload.ts";
import type { Runtime } from "../tests/runtimes.ts";
import { openEncoder } from "../tests/server/rtmp/encoder.ts";
import { type ServerProcess, startServer } from "../tests/server_process.ts";
import { between, residentMb, type Share, used } from "./proc.ts";

const VIDEO = "720p30-2500k.h264";
const STREAM = "load";
/** For muxers to begin and threads to start. */
const SETTLE_SECONDS = 5;

interface Case {
  readonly title: string;
  readonly args?: readonly string[];
  /** Only with that publisher. */
  readonly publisher?: "webrtc" | "rtmp";
  readonly viewers?: readonly ((server: ServerProcess) => Promise<Disposable>)[];
}

/** Where the recordings go. */
const folder = mkdtempSync(join(tmpdir(), "monoport-bench-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

const cases: Readonly<Record<string, Case>> = {
  idle: { title: "no publisher" },
  off: {
    title: "every way out off",
    args: ["--vhost.hls.enabled", "off", "--vhost.http_remux.enabled", "off"],
  },
  on: { title: "every way out on, no viewer" },
  dvr: {
    title: "every way out on, recorded",
    args: ["--vhost.dvr.enabled", "on", "--vhost.dvr.dvr_path", join(folder, "[stream].mp4")],
  },
  dvr_opus: {
    title: "the same, with Opus",
    publisher: "webrtc",
    args: [
      ...["--vhost.dvr.enabled", "on", "--vhost.dvr.dvr_path", join(folder, "[stream].mp4")],
      ...["--vhost.dvr.dvr_acodec", "opus"],
    ],
  },
  flv: { title: "one by HTTP-FLV, AAC", viewers: [(server) => flv(server, "aac")] },
  opus: {
    title: "one by HTTP-FLV, Opus",
    publisher: "webrtc",
    viewers: [(server) => flv(server, "opus")],
  },
  rtmp: { title: "one by RTMP, AAC", viewers: [rtmp] },
  hls: { title: "one by LL-HLS, AAC", viewers: [hls] },
  ts: {
    title: "one by HLS, MPEG-TS",
    args: ["--vhost.hls.hls_ts", "on"],
    viewers: [hls],
  },
  whep: { title: "one by WHEP over TCP", viewers: [whep] },
  all: {
    title: "one by each of the four",
    viewers: [(server) => flv(server, "aac"), rtmp, hls, whep],
  },
};

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "node,bun" },
    publisher: { type: "string", default: "webrtc" },
    duration: { type: "string", default: "15" },
    case: { type: "string", default: Object.keys(cases).join(",") },
  },
});

const columns = ["% of a core", "kernel's", "RSS MB", "others"];
const WIDTH = 12;

buildFlvload();
buildRtcload(VIDEO, "720p30-2500k.flv", "chord.opus");
for (const publisher of values.publisher.split(",") as ("webrtc" | "rtmp")[]) {
  for (const runtime of values.runtime.split(",") as Runtime[]) {
    console.log(
      `${runtime}, by ${publisher}`.padEnd(30) + columns.map((one) => one.padStart(WIDTH)).join(""),
    );
    for (const name of values.case.split(",")) {
      const one = cases[name];
      if (one === undefined) throw new Error(`--case: ${name} is none of ${Object.keys(cases)}`);
      if (one.publisher === undefined || one.publisher === publisher) {
        await measure(runtime, name === "idle" ? undefined : publisher, one);
      }
    }
  }
}

async function measure(
  runtime: Runtime,
  publisher: "webrtc" | "rtmp" | undefined,
  { title, args = [], viewers = [] }: Case,
): Promise<void> {
  const server = await startServer({
    runtime,
    args: ["--demo", "off", "--log.level", "error", ...args],
  });
  const open: Disposable[] = [];
  try {
    if (publisher === "webrtc") open.push(publishRtc(server, STREAM, VIDEO));
    if (publisher === "rtmp") open.push(await publishClip(server.port, STREAM));
    await sleep(1);
    for (const viewer of viewers) open.push(await viewer(server));
    await sleep(SETTLE_SECONDS);
    const from = used(server.pid);
    await sleep(Number(values.duration));
    console.log(row(title, between(from, used(server.pid)), residentMb(server.pid)));
  } finally {
    for (const one of open.reverse()) one[Symbol.dispose]();
    await server.stop();
  }
}

function row(title: string, share: Share, memory: number): string {
  const cells = [
    (share.cores * 100).toFixed(1),
    (share.system * 100).toFixed(1),
    memory.toFixed(0),
    share.others.toFixed(2),
  ];
  return `  ${title.padEnd(28)}${cells.map((cell) => cell.padStart(WIDTH)).join("")}`;
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

async function flv({ port }: ServerProcess, audio: string): Promise<Disposable> {
  const abort = new AbortController();
  const { signal } = abort;
  const path = `/live/${STREAM}.flv?audio=${audio}`;
  runFlvload({ port, path, viewers: 1, seconds: 600, signal }).catch(() => {});
  return { [Symbol.dispose]: () => abort.abort() };
}

async function rtmp({ port }: ServerProcess): Promise<Disposable> {
  const player = await openEncoder(port);
  player.command("connect", new Map([["app", "live"]]));
  player.command("createStream", null);
  player.command("play", null, STREAM);
  return { [Symbol.dispose]: () => player.close() };
}

async function whep(server: ServerProcess): Promise<Disposable> {
  return playRtc(server, STREAM);
}

/** Asks as a player does at the live edge: the hinted part, which blocks, and the playlist again. */
async function hls({ url }: ServerProcess): Promise<Disposable> {
  const abort = new AbortController();
  const { signal } = abort;
  const text = async (address: string): Promise<string> =>
    await (await fetch(address, { signal })).text();
  const play = async (): Promise<void> => {
    let address = `${url}/live/${STREAM}.m3u8`;
    for (;;) {
      const playlist = await text(address);
      const variant = /#EXT-X-STREAM-INF.*\n(.+)/.exec(playlist)?.[1];
      const hint = /#EXT-X-PRELOAD-HINT:.*URI="([^"]+)"/.exec(playlist)?.[1];
      if (variant !== undefined) address = new URL(variant, address).href;
      else if (hint === undefined) await sleep(0.2);
      else await text(new URL(hint, address).href);
    }
  };
  play().catch((error: unknown) => {
    if (!signal.aborted) console.error(error);
  });
  return { [Symbol.dispose]: () => abort.abort() };
}
