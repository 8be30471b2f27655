/** The process as node:process shows it; works on all three. @module */
import process from "node:process";
import type { ProcessUsage } from "../../core/base/io.ts";

// A reader of our output that went away (`| head`) is no reason to die.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

export function print(line: string, to: "out" | "error" = "out"): void {
  (to === "out" ? process.stdout : process.stderr).write(`${line}\n`);
}

/** Where an exception goes that no connection can be blamed for. */
export function reportBug(thrown: unknown): void {
  print(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown), "error");
}

let lastUsage: ProcessUsage = { residentBytes: 0, cpuMillis: 0 };

/** The last known one where it cannot be read: no permission, or no descriptor left. */
export function usage(): ProcessUsage {
  try {
    const { user, system } = process.cpuUsage();
    lastUsage = { residentBytes: process.memoryUsage.rss(), cpuMillis: (user + system) / 1000 };
  } catch {}
  return lastUsage;
}

/** Throws when it was removed, and on Deno without the permission to read. */
export function cwd(): string {
  try {
    return process.cwd();
  } catch {
    return "";
  }
}

export function onSignal(
  name: "SIGINT" | "SIGTERM" | "SIGQUIT" | "SIGHUP",
  handle: () => void,
): Disposable {
  const listener = (): void => handle();
  process.on(name, listener);
  return { [Symbol.dispose]: () => void process.off(name, listener) };
}

export function exit(code: number): never {
  process.exit(code);
}
