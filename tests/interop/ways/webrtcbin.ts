/** GStreamer as publisher by WHIP and viewer by WHEP: webrtcbin.py in a process of its own. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { need } from "../../tools.ts";
import { clipSeen, type Picture, SECONDS, type Sound } from "./clip_seen.ts";
import type { Seen } from "./seen.ts";

const SCRIPT = fileURLToPath(new URL("webrtcbin.py", import.meta.url));
/** Debian's own, which knows Debian's modules; another may come first in PATH. */
const PYTHON = "/usr/bin/python3";

export interface WebrtcbinPublish {
  readonly transport: "tcp" | "udp";
  readonly codec: "h264" | "vp8";
  /** The same is sent to each. */
  readonly urls: readonly string[];
}

/** Resolves when it is connected to all; `stop` has it leave by DELETE. */
export async function webrtcbinPublishes({
  transport,
  codec,
  urls,
}: WebrtcbinPublish): Promise<{ stop(): Promise<void> }> {
  const child = start(["publish", transport, codec, ...urls], 130_000);
  const lines = linesOf(child);
  const exit = once(child, "exit");
  const first = await lines.next();
  if (first !== '{"connected": true}') {
    child.kill("SIGKILL");
    throw new Error(`webrtcbin did not connect: ${first ?? ""} ${lines.complaints()}`);
  }
  return {
    stop: async () => {
      const late = setTimeout(() => child.kill("SIGKILL"), 5000);
      child.kill("SIGTERM");
      await exit;
      clearTimeout(late);
    },
  };
}

interface Told {
  readonly video: string | null;
  readonly audio: string | null;
  readonly pictures: readonly Picture[];
  readonly sounds: readonly Sound[];
  readonly rate: number;
  readonly complaints: readonly string[];
}

/** libnice gives up after 2 s without an answer, which a busy machine may take. */
const TRIES = 3;

/** `kinds` are those it waits for; it always asks for both. */
export async function webrtcbinSees(
  url: string,
  transport: "tcp" | "udp",
  kinds: readonly ("video" | "audio")[],
  millis: number,
): Promise<Seen> {
  for (let tries = 1; ; tries++) {
    const seen = await seeOnce(url, transport, kinds, millis);
    if (tries === TRIES || !seen.complaints.includes("the connection failed")) return seen;
  }
}

async function seeOnce(
  url: string,
  transport: "tcp" | "udp",
  kinds: readonly ("video" | "audio")[],
  millis: number,
): Promise<Seen> {
  const limit = String(Math.floor(millis / 1000));
  const args = ["watch", transport, String(SECONDS), kinds.join(","), limit, url];
  const child = start(args, millis + 10_000);
  const lines = linesOf(child);
  const told = await lines.next();
  if (told === undefined) {
    const complaints = [`it ended with ${child.exitCode ?? child.signalCode}`, lines.complaints()];
    const nothing = { frames: 0, heard: false, hertz: 0, apart: [] };
    return { video: undefined, audio: undefined, ...nothing, complaints };
  }
  const { video, audio, pictures, sounds, rate, complaints } = JSON.parse(told) as Told;
  return {
    video: video ?? undefined,
    audio: audio ?? undefined,
    ...clipSeen(pictures, sounds, rate),
    // It goes over to what sender reports say in its own time.
    apart: [],
    complaints,
  };
}

function start(args: readonly string[], millis: number): ChildProcess {
  for (const plugin of ["base", "nice", "webrtc", "dtls", "srtp", "rtp", "vpx", "x264"] as const)
    need(`gstreamer ${plugin}`);
  for (const plugin of ["openh264", "de265"] as const) need(`gstreamer ${plugin}`);
  need("python3 gi");
  need("python3 GstWebRTC");
  return spawn(PYTHON, ["-B", SCRIPT, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: millis,
    killSignal: "SIGKILL",
  });
}

interface Lines {
  /** `undefined` when there is no more. */
  next(): Promise<string | undefined>;
  complaints(): string;
}

function linesOf(child: ChildProcess): Lines {
  let complaints = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaints = `${complaints}${text}`.slice(-2000);
  });
  if (child.stdout === null) throw new Error("no output");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    next: async () => (await lines.next()).value as string | undefined,
    complaints: () => complaints,
  };
}
