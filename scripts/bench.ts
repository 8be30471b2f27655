/**
 * `npm run bench [-- NAME ...] [--runtime node20|node|deno|bun]`: runs bench/NAME.ts, or all that
 * measure hot paths, one after the other.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Runtime, runtimeProgram } from "../tests/runtimes.ts";
import { repository } from "../tests/tools.ts";

const { values, positionals } = parseArgs({
  options: { runtime: { type: "string", default: "node" } },
  allowPositionals: true,
});

const names = positionals.length > 0 ? positionals : hotPaths();
for (const name of names) {
  const { status } = spawnSync(...command(values.runtime as Runtime, `bench/${name}.ts`), {
    cwd: repository,
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
  console.log("");
}

function hotPaths(): string[] {
  return globSync("bench/*.ts", { cwd: repository })
    .filter((file) => readFileSync(join(repository, file), "utf8").includes('"./harness.ts"'))
    .map((file) => file.replace(/^bench.(.*)\.ts$/, "$1"))
    .sort();
}

function command(runtime: Runtime, file: string): [program: string, args: string[]] {
  const program = runtimeProgram(runtime);
  switch (runtime) {
    case "node20":
      return [program, [join("build", file.replace(/\.ts$/, ".js"))]];
    case "deno":
      return [program, ["run", "-A", "--node-modules-dir=manual", file]];
    default:
      return [program, [file]];
  }
}
