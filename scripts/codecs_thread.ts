/**
 * `npm run codecs:thread`: bundles server/codecs/thread.ts into server/codecs/thread.gen.ts. A string
 * starts as a thread in every runtime and in the single binary, and needs no permission to read.
 * `--check` writes nothing and fails when the file is not what the sources make.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { repository } from "../tests/tools.ts";

const folder = join(repository, "server", "codecs");
const generated = join(folder, "thread.gen.ts");

const { outputFiles } = buildSync({
  absWorkingDir: folder,
  entryPoints: ["thread.ts"],
  bundle: true,
  write: false,
  format: "iife",
  target: ["es2022"],
  charset: "utf8",
  legalComments: "none",
  logLevel: "error",
});
const code = (outputFiles[0]?.text ?? "").replace(/[\\`]|\$\{/g, "\\$&");
const made = `/** Made by \`npm run codecs:thread\` from thread.ts; not edited by hand. @module */

export const threadCode: string = \`
${code}\`;
`;
if (process.argv.includes("--check")) {
  const there = existsSync(generated) ? readFileSync(generated, "utf8") : "";
  if (there !== made) {
    console.log("server/codecs/thread.gen.ts is not what its sources make: npm run codecs:thread");
    process.exitCode = 1;
  }
} else {
  writeFileSync(generated, made);
  console.log(`server/codecs/thread.gen.ts: ${made.length} characters`);
}
