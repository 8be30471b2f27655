/** Another program on the runtime that runs the test. @module */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

export interface Child {
  readonly process: ChildProcess;
  /** Lines of standard output. */
  readonly lines: string[];
  /** Standard error. */
  errors: string;
  readonly exited: Promise<number | null>;
}

export interface ChildOptions {
  readonly args?: readonly string[];
  /** `ulimit -n` of the child. */
  readonly descriptors?: number;
  /** Flags of `deno run`; default everything allowed. */
  readonly denoFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `entry`, a module beside this one without its ending: .ts, or .js in a build. */
export function startChild(entry: string, options: ChildOptions = {}): Child {
  const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  const path = fileURLToPath(new URL(`./${entry}${ending}`, import.meta.url));
  const command = [process.execPath, ...runtimeArgs(options), path, ...(options.args ?? [])];
  const limit = options.descriptors === undefined ? "" : `ulimit -n ${options.descriptors}; `;
  // Not as arguments: Deno would find its own name there and put -A behind it.
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = spawn("sh", ["-c", `${limit}exec ${quoted}`], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  const result: Child = {
    process: child,
    lines: [],
    errors: "",
    exited: new Promise((resolve) => child.on("close", resolve)),
  };
  let rest = "";
  child.stdout.on("data", (bytes) => {
    const lines = `${rest}${bytes}`.split("\n");
    rest = lines.pop() ?? "";
    result.lines.push(...lines);
  });
  child.stderr.on("data", (bytes) => {
    result.errors += bytes;
  });
  return result;
}

function runtimeArgs(options: ChildOptions): readonly string[] {
  if (!("Deno" in globalThis)) return [];
  return ["run", "--no-check", "--no-config", ...(options.denoFlags ?? ["-A"])];
}
