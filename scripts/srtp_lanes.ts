/**
 * `npm run lanes:build`: compiles runtime/common/srtp_lanes.c and writes srtp_lanes.gen.ts beside it. On Debian 12:
 * `apt-get install -y --no-install-recommends clang-16 lld-16`.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { repository } from "../tests/tools.ts";

const COMPILE = [
  ...["--target=wasm32", "-O3", "-msimd128", "-mbulk-memory", "-ffreestanding", "-fno-builtin"],
  ...["-Wall", "-Wextra", "-Werror"],
];
// Apart from compiling: clang's own link step runs a wasm-opt it finds, which may refuse SIMD.
const LINK = ["--no-entry", "--export-memory", "--stack-first", "-z", "stack-size=16384", "-s"];
const LINE = 100;

const folder = mkdtempSync(join(tmpdir(), "monoport-lanes-"));
try {
  const source = join(repository, "runtime", "common", "srtp_lanes.c");
  const [object, module] = [join(folder, "lanes.o"), join(folder, "lanes.wasm")];
  execFileSync("clang-16", [...COMPILE, "-c", source, "-o", object], { stdio: "inherit" });
  execFileSync("wasm-ld-16", [...LINK, object, "-o", module], { stdio: "inherit" });
  const packed = deflateRawSync(readFileSync(module), { level: 9 }).toString("base64");
  const lines = packed.match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  const hash = createHash("sha256").update(readFileSync(source)).digest("hex");
  const made = `/** Made by \`npm run lanes:build\` from srtp_lanes.c; not edited by hand. @module */

/** SHA-256 of the source. */
export const lanesSourceSha256: string =
  "${hash}";
/** The module by raw DEFLATE, in base64. */
export const lanesWasmBase64: string = \`
${lines.join("\n")}
\`;
`;
  writeFileSync(join(repository, "runtime", "common", "srtp_lanes.gen.ts"), made);
  console.log(`runtime/common/srtp_lanes.gen.ts: ${packed.length} characters`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
