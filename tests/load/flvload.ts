/** The viewers of bench/flvload, and a publisher of a clip over RTMP. @module */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { concat, putU32, u24, u32 } from "../../core/bytes/mod.ts";
import { encodeMessage, MessageType } from "../../core/wire/rtmp/mod.ts";
import { type Encoder, openEncoder } from "../server/rtmp/encoder.ts";
import { need, repository } from "../tools.ts";
import { buildRtcload, media } from "./rtcload.ts";

/** What it reports, as its source explains. */
export interface FlvReport {
  readonly seconds: number;
  readonly viewers: number;
  readonly stalled: number;
  /** Who were closed, and who still waited for an answer. */
  readonly lost: number;
  readonly waiting: number;
  readonly mbps: number;
  /** Bytes of the viewer who got least by those of the one who got most. */
  readonly least_of_most: number;
  /** Viewers whose tags were read, and what they got in the window. */
  readonly verified: number;
  readonly video_tags: number;
  readonly audio_tags: number;
  readonly bad_tags: number;
  /** Of HTTP, to them: what was written at once. */
  readonly chunks: number;
  readonly own_cores: number;
  readonly latency_ms: { readonly p50: number; readonly p99: number; readonly max: number };
}

export interface FlvViewers {
  readonly port: number;
  readonly path: string;
  readonly viewers: number;
  /** Of them, those who read nothing of the stream. */
  readonly stalled?: number;
  /** Until the window begins, and how long it is. */
  readonly settleSeconds?: number;
  readonly seconds: number;
  /** At the edges of the window. */
  readonly onEdge?: (edge: "begin" | "end") => void;
  /** Ends them. */
  readonly signal?: AbortSignal;
}

const out = join(repository, ".cache", "flvload");
const program = join(out, "flvload");

export function buildFlvload(): void {
  for (const tool of ["gcc", "libc headers"] as const) need(tool);
  mkdirSync(out, { recursive: true });
  const source = join(repository, "bench", "flvload", "flvload.c");
  execFileSync(need("gcc"), ["-O2", "-o", program, source], { timeout: 60_000 });
}

/** Viewers of one HTTP-FLV stream; the report when they have left. */
export function runFlvload(options: FlvViewers): Promise<FlvReport> {
  const { port, path, viewers, stalled = 0, settleSeconds = 4, seconds, onEdge, signal } = options;
  const numbers = { port, viewers, stalled, settle: settleSeconds, duration: seconds };
  const args = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(program, ["--path", path, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), (settleSeconds + seconds + 30) * 1000);
  signal?.addEventListener("abort", () => child.kill("SIGKILL"));
  let printed = "";
  let edges = 0;
  child.stdout.on("data", (text: Buffer) => {
    printed += text.toString("utf8");
    for (const edge of ["begin", "end"] as const) {
      if (edges > (edge === "begin" ? 0 : 1) || !printed.includes(`${edge}\n`)) continue;
      edges++;
      onEdge?.(edge);
    }
  });
  let complaints = "";
  child.stderr.on("data", (text: Buffer) => {
    complaints += text.toString("utf8");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => {
      clearTimeout(timer);
      const json = printed.split("\n").find((line) => line.startsWith("{"));
      if (json === undefined) reject(new Error(`flvload made no report:\n${complaints}`));
      else resolve(JSON.parse(json) as FlvReport);
    });
  });
}

const TAG_HEAD_BYTES = 11;
const FILE_HEAD_BYTES = 13;
const CHUNK_BYTES = 4096;
const VIDEO = 9;

interface Tag {
  readonly type: number;
  readonly at: number;
  readonly body: Uint8Array;
}

/** 720p30 H.264 and AAC, 2.5 Mbit/s together, as `<media>/720p30-2500k.flv`. */
function clip(): readonly Tag[] {
  buildRtcload("720p30-2500k.flv");
  const file = readFileSync(join(media, "720p30-2500k.flv"));
  const bytes = new Uint8Array(file);
  const tags: Tag[] = [];
  for (let at = FILE_HEAD_BYTES; at + TAG_HEAD_BYTES <= bytes.length; ) {
    const size = u24(bytes, at + 1);
    const body = bytes.subarray(at + TAG_HEAD_BYTES, at + TAG_HEAD_BYTES + size);
    tags.push({ type: bytes[at] ?? 0, at: u24(bytes, at + 4), body });
    at += TAG_HEAD_BYTES + size + 4;
  }
  return tags;
}

/** The time of rtcload's SEI: the publisher's monotonic clock. */
function sei(): Uint8Array {
  const now = process.hrtime.bigint().toString(16).padStart(16, "0");
  const unit = new TextEncoder().encode(`\x06\x05\x20rtcload-sei-time${now}`);
  const out = new Uint8Array(4 + unit.length + 1);
  putU32(out, 0, unit.length + 1);
  out.set(unit, 4);
  out[out.length - 1] = 0x80;
  return out;
}

/** A picture with the time in front of its slices: NAL units with lengths behind 5 bytes. */
function stamped(body: Uint8Array): Uint8Array {
  if (body[1] !== 1) return body;
  let at = 5;
  while (at + 5 <= body.length && ((body[at + 4] ?? 0) & 31) > 5) at += 4 + u32(body, at);
  return concat([body.subarray(0, at), sei(), body.subarray(at)]);
}

/** Publishes the clip round and round, in real time, until it is disposed. */
export async function publishClip(port: number, stream: string): Promise<Disposable> {
  const tags = clip();
  const length = 10_000;
  const encoder = await openEncoder(port);
  encoder.publish(stream);
  encoder.socket.write(chunkSize());
  await published(encoder);
  const begun = performance.now();
  let next = 0;
  let round = 0;
  const timer = setInterval(() => {
    const now = performance.now() - begun;
    for (;;) {
      const tag = tags[next];
      if (tag === undefined || tag.at + round * length > now) break;
      // Configurations and onMetaData once are enough.
      if (round === 0 || (tag.body[1] === 1 && tag.type !== 18)) send(encoder, tag, round * length);
      next++;
      if (next < tags.length) continue;
      next = 0;
      round++;
    }
  }, 3);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      encoder.close();
    },
  };
}

function chunkSize(): Uint8Array {
  const payload = new Uint8Array(4);
  putU32(payload, 0, CHUNK_BYTES);
  const type = MessageType.SetChunkSize;
  return encodeMessage({ chunkStream: 2, type, stream: 0, timestamp: 0, payload });
}

function send({ socket }: Encoder, { type, at, body }: Tag, from: number): void {
  const payload = type === VIDEO ? stamped(body) : body;
  const message = { chunkStream: 4, type, stream: 1, timestamp: from + at, payload };
  socket.write(encodeMessage(message, CHUNK_BYTES));
}

async function published(encoder: Encoder): Promise<void> {
  for (let i = 0; i < 1500; i++) {
    if (encoder.words.includes("NetStream.Publish.Start")) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  encoder.close();
  throw new Error("The server does not let us publish");
}
