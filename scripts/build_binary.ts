/** `npm run build:binary`: one program, build/monoport, with Bun inside. @module */

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../tests/tools.ts";

const bun = join(repository, "node_modules", ".bin", "bun");
const outfile = join(repository, "build", "monoport");
mkdirSync(join(repository, "build"), { recursive: true });
const { status } = spawnSync(
  bun,
  ["build", "--compile", "--minify", "mod.ts", `--outfile=${outfile}`],
  { cwd: repository, stdio: "inherit" },
);
process.exitCode = status ?? 1;
