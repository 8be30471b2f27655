/** What `npm test` runs: one table of jobs. @module */

import { globSync } from "node:fs";
import { join } from "node:path";
import { runtimeProgram } from "../tests/runtimes.ts";
import { repository } from "../tests/tools.ts";
import type { Runner } from "./test_counts.ts";

export interface Job {
  /** Jobs of one stage are told in one line. */
  readonly stage: string;
  readonly name: string;
  readonly command: readonly string[];
  readonly runner: Runner;
  readonly limitMillis: number;
  /** Runs while nothing else does: browsers, timing, load. */
  readonly alone: boolean;
}

/** Folders whose tests run on the current Node only, and alone. */
const aloneFolders = ["tests/browser/", "tests/interop/", "tests/load/"];
/** Tests of the house itself: the current Node only, beside others. */
const houseFolder = "tests/house/";

const commandLimitMillis = 180_000;
const testLimitMillis = 150_000;
const aloneLimitMillis = 300_000;

const bin = join(repository, "node_modules", ".bin");
const node = join(bin, "node");
const tsc = join(bin, "tsc");

/** What the others start from: dist/ and build/ for Node 20. */
export function buildJobs(): Job[] {
  return [
    check("build", "npm run build", [tsc, "-p", "tsconfig.build.json"]),
    check("build", "tests for Node 20", [node, "scripts/build_tests.ts"]),
  ];
}

/** Compilers and linters. */
export function checkJobs(): Job[] {
  return [
    check("types", "tsc", [tsc, "-p", "tsconfig.json"]),
    check("types", "tsc web", [tsc, "-p", "web/tsconfig.json"]),
    check("purity", "core compiles alone", [tsc, "-p", "core/tsconfig.json"]),
    check("purity", "core is synchronous and timeless", [node, "scripts/core_purity.ts"]),
    check("imports", "who may import whom", [node, "scripts/import_rules.ts"]),
    check("lint", "biome", [join(bin, "biome"), "check", "--error-on-warnings"]),
    check("pages", "generated file", [node, "scripts/pages.ts", "--check"]),
    check("pages", "thread of codecs", [node, "scripts/codecs_thread.ts", "--check"]),
  ];
}

/** Every test file on every runtime it is for. */
export function testJobs(filters: readonly string[]): Job[] {
  const files = globSync("tests/**/*.test.ts", { cwd: repository })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
  const shared = files.filter((file) => !isNodeOnly(file));
  return [
    ...files.filter((file) => file.startsWith(houseFolder)).map((file) => nodeJob("house", file)),
    ...shared.map((file) => nodeJob("node", file)),
    ...node20Jobs(shared),
    ...shared.map(denoJob),
    ...shared.map(bunJob),
    ...files.filter(isAlone).map((file) => nodeJob(file.split("/")[1] ?? "alone", file)),
  ];
}

function isAlone(file: string): boolean {
  return aloneFolders.some((folder) => file.startsWith(folder));
}

function isNodeOnly(file: string): boolean {
  return isAlone(file) || file.startsWith(houseFolder);
}

function check(stage: string, name: string, command: readonly string[]): Job {
  return { stage, name, command, runner: "command", limitMillis: commandLimitMillis, alone: false };
}

function nodeJob(stage: string, file: string): Job {
  const alone = isAlone(file);
  const limitMillis = alone ? aloneLimitMillis : testLimitMillis;
  const command = [node, "--test-reporter=spec", file];
  return { stage, name: file, command, runner: "node", limitMillis, alone };
}

/** One job that fails and says what to do when Node 20 is not there. */
function node20Jobs(files: readonly string[]): Job[] {
  let program: string;
  try {
    program = runtimeProgram("node20");
  } catch (error) {
    const words = JSON.stringify(error instanceof Error ? error.message : String(error));
    return [check("node20", "Node 20", [node, "-e", `console.log(${words}); process.exit(1)`])];
  }
  return files.map((file) => {
    const built = join("build", file.replace(/\.ts$/, ".js"));
    return testJob("node20", file, [program, "--test-reporter=spec", built], "node");
  });
}

function denoJob(file: string): Job {
  // The packages npm has installed, so that a test run fetches nothing.
  const flags = ["-A", "--no-check", "--node-modules-dir=manual"];
  return testJob("deno", file, [join(bin, "deno"), "test", ...flags, file], "deno");
}

function bunJob(file: string): Job {
  const command = [join(bin, "bun"), "test", `--timeout=${testLimitMillis}`, `./${file}`];
  return testJob("bun", file, command, "bun");
}

function testJob(stage: string, name: string, command: readonly string[], runner: Runner): Job {
  return { stage, name, command, runner, limitMillis: testLimitMillis, alone: false };
}
