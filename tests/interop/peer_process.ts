/** Strangers in processes of their own: native libraries may take theirs down with them. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Peer {
  /** The next line of JSON it writes. */
  read(): Promise<Readonly<Record<string, unknown>>>;
  stop(): void;
}

/** Runs a script of this folder; it writes lines of JSON and may live for `limitMillis`. */
export function startPeer(script: string, args: readonly string[], limitMillis = 120_000): Peer {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [path, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limitMillis,
    killSignal: "SIGKILL",
  });
  let complaints = "";
  child.stderr?.on("data", (text: Buffer) => {
    complaints += text.toString("utf8");
  });
  if (child.stdout === null) throw new Error("no output");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    read: async () => {
      const line = await lines.next();
      if (line.done) throw new Error(`${script} ended with ${child.exitCode}:\n${complaints}`);
      return JSON.parse(line.value) as Readonly<Record<string, unknown>>;
    },
    stop: () => void child.kill("SIGKILL"),
  };
}

/** A peer's side: one line of JSON. */
export function tell(line: object): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(line)}\n`, () => resolve());
  });
}

/** A peer's side: posts an offer by WHIP or WHEP and resolves to the answer. */
export async function postOffer(url: string, sdp: string): Promise<string> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/sdp" },
    body: sdp,
    signal: AbortSignal.timeout(60_000),
  });
  const answer = await response.text();
  if (response.status !== 201) throw new Error(`${response.status}: ${answer}`);
  return answer;
}
