/** Monoport as a child process, the way a user starts it. @module */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { freePort } from "./free_port.ts";
import { type Runtime, serverCommand } from "./runtimes.ts";
import { repository } from "./tools.ts";

export interface ServerOptions {
  /** Default `node`, the current one. */
  readonly runtime?: Runtime;
  /** Address to listen on, default 127.0.0.1. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Without `--listen`: the program's own choice, or the environment's; `port` says which it is. */
  readonly noListen?: boolean;
  /** Command line after `--listen`. */
  readonly args?: readonly string[];
  /** What Deno is given besides, as permissions. */
  readonly denoFlags?: readonly string[];
  /** Added to the environment; an undefined value removes a name. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Working directory, default the repository; with `binary` any will do. */
  readonly cwd?: string;
  /** Command put before it, for instance `["ip", "netns", "exec", "NAME"]`. */
  readonly prefix?: readonly string[];
  /** Until it prints its URL, default 30 s: Deno and Bun may fetch packages the first time. */
  readonly startMillis?: number;
}

export interface ServerProcess {
  /** Without a slash at the end. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** What it printed so far, standard output and error in the order they came. */
  output(): string;
  /** Whether it has ended by itself or was stopped. */
  ended(): boolean;
  /** SIGINT, after 5 s SIGKILL; resolves to the exit code, or null after a signal. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts Monoport and waits until it prints the URL of its pages. The caller stops it. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const host = options.host ?? "127.0.0.1";
  const port = options.port ?? (await freePort(host));
  const listen = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const command = [
    ...(options.prefix ?? []),
    ...serverCommand(options.runtime ?? "node", options.denoFlags),
    ...(options.noListen ? [] : ["--listen", listen]),
    ...(options.args ?? []),
  ];
  const child = spawn(command[0] ?? "", command.slice(1), {
    cwd: options.cwd ?? repository,
    env: environment(options.env ?? {}),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const onText = (text: Buffer): void => {
    printed += text.toString("utf8");
  };
  child.stdout?.on("data", onText);
  child.stderr?.on("data", onText);
  const stop = (signal?: NodeJS.Signals): Promise<number | null> => stopChild(child, signal);
  try {
    await printedUrl(child, () => printed, options.startMillis ?? 30_000);
  } catch (cause) {
    await stop("SIGKILL");
    throw new Error(`${command.join(" ")} did not start:\n${printed}`, { cause });
  }
  letGo(child);
  remember(command, () => printed);
  return {
    url: `http://${listen}`,
    host,
    port,
    pid: child.pid ?? 0,
    output: () => printed,
    ended: () => hasEnded(child),
    stop,
  };
}

/** A test that fails before it stops the server neither waits for it for ever nor leaves it behind. */
function letGo(child: ChildProcess): void {
  const kill = (): boolean => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref();
}

interface Started {
  readonly command: string;
  readonly output: () => string;
}

/** Of this test file. */
const started: Started[] = [];
/** Lines that are told of each. */
const TOLD_LINES = 40;

/** Where a test fails, what the servers of its file printed last is told at the end, for who cannot run it again. */
function remember(command: readonly string[], output: () => string): void {
  if (started.length === 0) process.once("exit", (code) => tellOutputs(code));
  started.push({ command: command.join(" "), output });
}

function tellOutputs(code: number): void {
  if (code === 0) return;
  for (const { command, output } of started) {
    const lines = output().trimEnd().split("\n").slice(-TOLD_LINES);
    console.error(`--- the last of ${command}\n${lines.join("\n")}`);
  }
}

function environment(extra: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  for (const [name, value] of Object.entries(extra)) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  return env;
}

async function printedUrl(
  child: ChildProcess,
  printed: () => string,
  limitMillis: number,
): Promise<void> {
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  const deadline = Date.now() + limitMillis;
  while (!/https?:\/\/\S+/.test(withoutDownloads(printed()))) {
    if (failure !== undefined) throw failure;
    if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
    if (Date.now() > deadline) throw new Error(`no URL within ${limitMillis} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Deno tells the address of each package it fetches. */
function withoutDownloads(text: string): string {
  return text.replace(/^Download .*$/gm, "");
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function stopChild(
  child: ChildProcess,
  signal: NodeJS.Signals = "SIGINT",
): Promise<number | null> {
  if (child.pid === undefined || hasEnded(child)) return child.exitCode;
  const exit = once(child, "exit");
  child.kill(signal);
  const kill = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exit;
  clearTimeout(kill);
  return child.exitCode;
}
