/** The load generator of bench/rtcload, built and run. @module */
import { execFile, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ServerProcess } from "../server_process.ts";
import { need, repository } from "../tools.ts";

/** Made by ffmpeg: 1 and 2.3 Mbit/s of moving pictures, 8 Mbit/s of noise; keyframes every 2 s. */
export type Video = "720p30-1m.h264" | "720p30-2500k.h264" | "360p30-8m.h264";

export interface LoadOptions {
  readonly server: ServerProcess;
  readonly video: Video;
  readonly players: number;
  /** More of its command line. */
  readonly args?: readonly string[];
  /** Until it is killed. */
  readonly limitMillis?: number;
  /** Command put before it, for instance `["ip", "netns", "exec", "NAME"]`. */
  readonly prefix?: readonly string[];
}

/** What it reports, as its README explains; some fields are left out here. */
export interface LoadReport {
  readonly players_connected: number;
  readonly players_failed: number;
  readonly players_lost: number;
  readonly players_without_rtp: number;
  readonly rtp_packets: number;
  readonly expected_packets: number;
  readonly delivered_ratio: number;
  readonly worst_player_ratio: number;
  readonly verify_ok: number;
  readonly verify_fail: number;
  readonly payload_match: number;
  readonly payload_mismatch: number;
  readonly rtcp_auth_fail: number;
  readonly pub_mbps: number;
  readonly pub_txdrop: number;
  readonly pub_late_ms_max: number;
  readonly mbps: number;
  readonly latency_ms: Latency;
  readonly own_cores: number;
  readonly other_cores: number;
  readonly cores: number;
  readonly server_cpu_us_per_packet: number;
  readonly server_cpu_ms_per_handshake: number;
  readonly server_rss_kb: { readonly start: number; readonly end: number; readonly peak: number };
  readonly slow?: {
    readonly players: number;
    readonly delivered_ratio: number;
    readonly dropped_by_server: number;
    readonly gaps: number;
    readonly gaps_to_inter_picture: number;
    readonly gaps_in_a_picture: number;
    readonly players_up_to_date: number;
    readonly others_delivered_ratio: number;
    readonly others_suffered: boolean;
  };
  readonly errors: Readonly<Record<string, number>>;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const out = join(repository, ".cache", "rtcload");
const program = join(out, "rtcload");
/** Where `buildRtcload` puts what it makes. */
export const media: string = join(out, "media");
const audio = join(media, "sine.opus");
const music = join(media, "chord.opus");

/** Compiles the program and makes its media, if they are older than their sources. */
export function buildRtcload(
  ...videos: readonly (Video | "720p30-2500k.flv" | "chord.opus")[]
): void {
  for (const tool of ["gcc", "openssl headers", "libsrtp2 headers", "ffmpeg"] as const) need(tool);
  const goals = [program, audio, ...videos.map((video) => join(media, video))];
  const folder = join(repository, "bench", "rtcload");
  execFileSync(need("make"), ["-s", "-C", folder, `OUT=${out}`, ...goals], { timeout: 120_000 });
}

/** More than that used by other programs, in cores, and nothing is proved by late packets. */
const BUSY_CORES = 0.4;
const ATTEMPTS = 3;

/** Runs it again while players missed something and other programs kept the machine busy. */
export async function runCalmly(options: LoadOptions): Promise<LoadReport> {
  for (let attempt = 1; ; attempt++) {
    const report = await runRtcload(options);
    const ratio = report.slow?.others_delivered_ratio ?? report.delivered_ratio;
    if (ratio === 1 || report.other_cores < BUSY_CORES || attempt === ATTEMPTS) return report;
  }
}

/** A publisher over WebRTC alone, until it is disposed. */
export function publishRtc(server: ServerProcess, stream: string, video: Video): Disposable {
  const whip = `${server.url}/rtc/v1/whip/?app=live&stream=${stream}`;
  const what = ["--publish", whip, "--h264", join(media, video), "--opus", music];
  const child = spawn(program, [...what, "--settle", "0", "--duration", "600"], {
    stdio: "ignore",
  });
  return { [Symbol.dispose]: () => child.kill("SIGINT") };
}

/** A player alone, until it is disposed. */
export function playRtc(server: ServerProcess, stream: string): Disposable {
  const whep = `${server.url}/rtc/v1/whep/?app=live&stream=${stream}`;
  const child = spawn(program, ["--play", whep, "--duration", "600"], { stdio: "ignore" });
  return { [Symbol.dispose]: () => child.kill("SIGINT") };
}

/** One publisher and its players over TCP; the report, also when players failed. */
export async function runRtcload(options: LoadOptions): Promise<LoadReport> {
  const { server, video, players, args = [], limitMillis = 90_000, prefix = [] } = options;
  const query = "?app=live&stream=load";
  const command = [
    ...prefix,
    program,
    ...["--publish", `${server.url}/rtc/v1/whip/${query}`],
    ...["--play", `${server.url}/rtc/v1/whep/${query}`],
    ...["--h264", join(media, video), "--opus", audio, "--players", String(players)],
    ...["--server-pid", String(server.pid), "--settle", "2", ...args],
  ];
  const run = promisify(execFile)(command[0] ?? program, command.slice(1), {
    timeout: limitMillis,
  });
  const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
  try {
    return JSON.parse(stdout) as LoadReport;
  } catch (cause) {
    throw new Error(`rtcload made no report:\n${stderr}`, { cause });
  }
}
