/** Checks who imports whom (.dependency_cruiser.cjs). @module */

import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { repository } from "../tests/tools.ts";

interface Cruise {
  readonly modules: readonly { readonly source: string; readonly followable?: boolean }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

const program = join(repository, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
const config = join(repository, ".dependency_cruiser.cjs");
const folders = ["core", "runtime", "server", "web", "mod.ts"];

/** Violations below a folder laid out like the repository, as `rule: from -> to`. */
export function importViolations(root: string): string[] {
  const present = folders.filter((folder) => existsSync(join(root, folder)));
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [program, "--config", config, "--output-type", "json", ...present],
    { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 },
  );
  if (!stdout.startsWith("{")) throw new Error(`dependency-cruiser failed: ${stderr}${stdout}`);
  const cruise = JSON.parse(stdout) as Cruise;
  const seen = new Set(cruise.modules.map((module) => module.source));
  // Without a parser for TypeScript it skips the files silently.
  for (const file of globSync(`{${folders.join(",")}}/**/*.ts`, { cwd: root })) {
    if (!seen.has(file)) throw new Error(`dependency-cruiser did not look at ${file}`);
  }
  return cruise.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
}

function main(): void {
  const violations = importViolations(repository);
  for (const violation of violations) console.log(violation);
  console.log(`${violations.length} violations`);
  if (violations.length > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
