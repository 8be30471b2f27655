/** The runtimes Monoport is tested on, and how each is called. @module */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findPrograms, repository } from "./tools.ts";

/**
 * `node20` runs what `npm run build` made, `binary` is what `npm run build:binary` made; the others
 * run the sources.
 */
export type Runtime = "node20" | "node" | "deno" | "bun" | "binary";

const bin = join(repository, "node_modules", ".bin");

/** The program of a runtime; throws an error that says what to do when it is missing. */
export function runtimeProgram(runtime: Runtime): string {
  switch (runtime) {
    case "node20":
      return node20();
    case "binary":
      return existingFile(join(repository, "build", "monoport"), "npm run build:binary");
    default:
      return existingFile(join(bin, runtime), "npm ci");
  }
}

/**
 * The command line that starts Monoport on a runtime, as a user types it; its options come after.
 * `denoFlags` are Deno's own, as permissions.
 */
export function serverCommand(runtime: Runtime, denoFlags: readonly string[] = []): string[] {
  const program = runtimeProgram(runtime);
  switch (runtime) {
    case "node20":
      return [program, existingFile(join(repository, "dist", "mod.js"), "npm run build")];
    case "node":
      return [program, "mod.ts"];
    case "deno":
      return [program, "run", "-P", ...denoFlags, "mod.ts"];
    case "bun":
      return [program, "run", "mod.ts"];
    case "binary":
      return [program];
  }
}

let foundNode20: string | undefined;

/** The machine's own Node when it is 20, else one that `npm install` put aside. */
function node20(): string {
  if (foundNode20 !== undefined) return foundNode20;
  const aside = join(repository, ".cache", "node20", "node_modules", "node", "bin", "node");
  const running = process.env["npm_node_execpath"];
  const candidates = [...(running === undefined ? [] : [running]), ...findPrograms("node"), aside];
  foundNode20 = candidates.find((path) => versionOf(path).startsWith("v20."));
  if (foundNode20 !== undefined) return foundNode20;
  throw new Error(
    "Node 20 is missing (the oldest we support): npm install --no-save --prefix .cache/node20 node@20",
  );
}

function versionOf(node: string): string {
  try {
    return execFileSync(node, ["--version"], { encoding: "utf8", timeout: 10_000 });
  } catch {
    return "";
  }
}

function existingFile(path: string, fix: string): string {
  if (existsSync(path)) return path;
  throw new Error(`${path} is missing: ${fix}`);
}
