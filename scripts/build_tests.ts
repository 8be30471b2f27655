/** Builds sources and tests into build/ for Node 20, which cannot run TypeScript. @module */

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../tests/tools.ts";

const build = join(repository, "build");
for (const folder of ["core", "runtime", "server", "tests", "bench", "scripts", "mod.js"]) {
  rmSync(join(build, folder), { recursive: true, force: true });
}
const tsc = join(repository, "node_modules", ".bin", "tsc");
const { status } = spawnSync(tsc, ["-p", "tests/tsconfig.json"], {
  cwd: repository,
  stdio: "inherit",
});
// What tests read beside code: vectors, corpora, clips.
for (const file of globSync("{tests,server,core}/**/*", {
  cwd: repository,
  exclude: ["**/*.ts"],
})) {
  if (/\.[a-z0-9]+$/i.test(file) && existsSync(join(repository, file))) {
    cpSync(join(repository, file), join(build, file), { recursive: true });
  }
}
process.exitCode = status ?? 1;
