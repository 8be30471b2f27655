import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { repository } from "../tools.ts";

/** What others import; the rest is run. */
const PARTS: readonly string[] = ["harness.ts", "help.ts", "proc.ts"];

const programs = globSync("bench/*.ts", { cwd: repository }).filter(
  (path) => !PARTS.includes(basename(path)),
);

function help(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...args, "--help"], {
    cwd: repository,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("everything in bench/ that is run has a text for --help, and looks for it before it begins", () => {
  assert.ok(programs.length > 10);
  for (const path of programs) {
    const source = readFileSync(join(repository, path), "utf8");
    assert.match(source, /^\/\*\*[\s\S]+?\*\/\nimport "\.\/help\.ts";\n/, path);
  }
});

test("--help of a benchmark tells how it is called, and of all benchmarks which there are", () => {
  assert.match(help("bench/bridge.ts"), /npm run bench:bridge[\s\S]*--publisher/);
  const all = help("scripts/bench.ts");
  assert.match(all, /--runtime/);
  assert.match(all, /srtp_packet/);
  assert.match(help("scripts/bench.ts", "stun"), /connectivity check/);
});
