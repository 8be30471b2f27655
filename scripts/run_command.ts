/**
 * Runs a command in a process group of its own, with a time limit, and keeps what it printed.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";

export interface CommandResult {
  /** Exit code; null when it was killed or could not start. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Standard output and error in the order they came. */
  readonly output: string;
  readonly millis: number;
  readonly timedOut: boolean;
}

export interface CommandOptions {
  readonly limitMillis: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Output past this many characters is cut in the middle. */
const maxOutput = 200_000;
const running = new Set<ChildProcess>();

export function runCommand(
  command: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const started = performance.now();
  const child = spawn(command[0] ?? "", command.slice(1), {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  running.add(child);
  let output = "";
  let timedOut = false;
  const onText = (text: Buffer): void => {
    if (output.length < maxOutput * 2) output += text.toString("utf8");
  };
  child.stdout.on("data", onText);
  child.stderr.on("data", onText);
  const limit = setTimeout(() => {
    timedOut = true;
    killGroup(child);
  }, options.limitMillis);
  return new Promise((resolve) => {
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (!running.delete(child)) return;
      clearTimeout(limit);
      // Whatever it started and left behind keeps the pipes open: the group ends with it.
      killGroup(child);
      child.stdout.destroy();
      child.stderr.destroy();
      const millis = performance.now() - started;
      resolve({ code, signal, output: cutMiddle(output), millis, timedOut });
    };
    child.once("error", (error) => {
      output += `${error.message}\n`;
      finish(null, null);
    });
    // `close` waits for the pipes, which a left-behind child may hold: 1 s for the rest, then go
    // on.
    child.once("exit", (code, signal) => setTimeout(() => finish(code, signal), 1_000));
    child.once("close", finish);
  });
}

/** Ends everything that still runs; for our own end. */
export function killAll(): void {
  for (const child of running) killGroup(child);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is empty.
  }
}

function cutMiddle(text: string): string {
  if (text.length <= maxOutput) return text;
  const half = maxOutput / 2;
  return `${text.slice(0, half)}\n[... ${text.length - maxOutput} characters cut ...]\n${text.slice(-half)}`;
}
