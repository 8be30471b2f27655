/**
 * `npm run codecs:build`: fetches the sources that codecs/sources.json names, checks their hashes,
 * builds codecs.wasm and writes server/codecs/module.gen.ts. On Debian 12, as anybody; see
 * codecs/README.md. `-- --wasm FILE` takes a module that is built already.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { findProgram, repository } from "../tests/tools.ts";

interface Source {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
}

const TOOLS = ["clang-16", "wasm-ld-16", "llvm-ar-16", "make", "patch", "apt-get", "tar"];
const INSTALL =
  "apt-get install -y --no-install-recommends clang-16 lld-16 llvm-16 wasi-libc libclang-rt-16-dev-wasm32 make patch";
const generated = join(repository, "server", "codecs", "module.gen.ts");
const { suite, packages } = JSON.parse(
  readFileSync(join(repository, "codecs", "sources.json"), "utf8"),
) as { readonly suite: string; readonly packages: readonly Source[] };

/** Downloads by apt, with lists of its own: the machine's stay as they are. */
function fetchSources(folder: string): void {
  const lists = join(folder, "lists");
  mkdirSync(join(lists, "partial"), { recursive: true });
  const signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
  const list = join(folder, "sources.list");
  writeFileSync(
    list,
    `deb-src ${signed} http://deb.debian.org/debian ${suite} main
deb-src ${signed} http://deb.debian.org/debian-security ${suite}-security main
`,
  );
  const options = [
    `Dir::Etc::SourceList=${list}`,
    "Dir::Etc::SourceParts=/dev/null",
    `Dir::State::Lists=${lists}`,
    `Dir::Cache=${folder}`,
    "APT::Sandbox::User=",
  ].flatMap((option) => ["-o", option]);
  run("apt-get", [...options, "update"], folder);
  const wanted = packages.map(({ name, version }) => `${name}=${version}`);
  run("apt-get", [...options, "source", "--download-only", ...wanted], folder);
}

function unpack(folder: string): void {
  for (const { name, file, sha256 } of packages) {
    const bytes = readFileSync(join(folder, file));
    const hash = createHash("sha256").update(bytes).digest("hex");
    if (hash !== sha256) throw new Error(`${file} has the SHA-256 ${hash}, not ${sha256}`);
    mkdirSync(join(folder, name));
    run("tar", ["xf", file, "--strip-components=1", "-C", name], folder);
  }
}

function run(program: string, args: readonly string[], cwd: string): void {
  execFileSync(program, args, { cwd, stdio: "inherit" });
}

function build(): Uint8Array {
  const missing = TOOLS.filter((tool) => findProgram(tool) === undefined);
  if (missing.length > 0) throw new Error(`missing: ${missing.join(", ")}\n${INSTALL}`);
  const folder = mkdtempSync(join(tmpdir(), "monoport-codecs-"));
  try {
    fetchSources(folder);
    unpack(folder);
    const wasm = join(folder, "codecs.wasm");
    run("sh", [join(repository, "codecs", "build.sh"), folder, wasm], folder);
    return readFileSync(wasm);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function write(wasm: Uint8Array): void {
  const hash = createHash("sha256").update(wasm).digest("hex");
  const text = deflateRawSync(wasm, { level: 9 }).toString("base64");
  writeFileSync(
    generated,
    `/**
 * Made by \`npm run codecs:build\` from codecs/; not edited by hand. Holds code of FFmpeg (LGPL 2.1 or
 * later) and libopus (BSD): sources, scripts and licences are in codecs/ of the repository.
 *
 * @module
 */

/** The module's size in bytes, and its SHA-256. */
export const codecsWasmBytes: number = ${wasm.length};
export const codecsWasmSha256: string = "${hash}";

/** codecs.wasm, by raw DEFLATE (RFC 1951) and base64 with line ends. */
export const codecsWasmBase64: string = \`
${text.replace(/.{1,120}/g, "$&\n")}\`;
`,
  );
  console.log(`server/codecs/module.gen.ts: ${wasm.length} bytes, SHA-256 ${hash}`);
}

const at = process.argv.indexOf("--wasm");
const given = at < 0 ? undefined : process.argv[at + 1];
write(given === undefined ? build() : readFileSync(given));
