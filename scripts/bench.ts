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

const HELP = `npm run bench [-- NAME ... --runtime node20|node|deno|bun]

Runs what measures hot paths, one after the other, or those that are named:
  ${hotPaths().join(", ")}
npm run bench -- NAME --help says what one measures. bench:load, bench:flv, bench:bridge and
bench:abuse are programs of their own, with a --help each.
`;

const { values, positionals } = parseArgs({
  options: {
    runtime: { type: "string", default: "node" },
    help: { type: "boolean", short: "h" },
  },
  allowPositionals: true,
});

if (values.help && positionals.length === 0) {
  console.log(HELP);
  process.exit(0);
}
const names = positionals.length > 0 ? positionals : hotPaths();
const more = values.help ? ["--help"] : [];
for (const name of names) {
  const [program, args] = command(values.runtime as Runtime, `bench/${name}.ts`);
  const { status } = spawnSync(program, [...args, ...more], {
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
