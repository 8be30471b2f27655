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
  /** Runs while nothing else does, for it measures time or load. */
  readonly alone: boolean;
}

/** Folders whose tests run on the current Node only; `house` are tests of the house itself. */
const nodeOnlyFolders = ["tests/house/", "tests/interop/", "tests/browser/", "tests/load/"];
/** What measures latency, freezes, stalls or load: another test beside it would change the figures. */
const measuring = [
  "tests/browser/hls.test.ts",
  "tests/browser/ice_restart.test.ts",
  "tests/browser/layers.test.ts",
  "tests/browser/lossy_udp.test.ts",
  "tests/interop/ways/",
  "tests/load/",
];
/**
 * Tests that are pure and short share a process, up to this many files: starting one costs more
 * than what most of them do.
 */
const togetherFolder = "tests/core/";
const togetherMax = 10;

const commandLimitMillis = 180_000;
const testLimitMillis = 150_000;
const strangersLimitMillis = 420_000;

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

/**
 * Every test file on every runtime it is for. Those of strangers come last, the longest at the
 * very end: two lanes that take from both ends run them beside the cheap ones.
 */
export function testJobs(filters: readonly string[]): Job[] {
  const files = globSync("tests/**/*.test.ts", { cwd: repository })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
  const shared = inGroups(files.filter((file) => folderOf(file) === undefined));
  const nodeOnly = (folder: string): Job[] =>
    files.filter((file) => folderOf(file) === folder).map(nodeOnlyJob);
  const [house = "", ...strangers] = nodeOnlyFolders;
  return [
    ...nodeOnly(house),
    ...shared.map(nodeJob),
    ...node20Jobs(shared),
    ...shared.map(denoJob),
    ...shared.map(bunJob),
    ...strangers.flatMap(nodeOnly),
  ];
}

/** Files that share a process. */
type Group = readonly [string, ...string[]];

function inGroups(files: readonly string[]): Group[] {
  const groups: [string, ...string[]][] = [];
  for (const file of files) {
    const last = groups.at(-1);
    const together = file.startsWith(togetherFolder) && last?.[0].startsWith(togetherFolder);
    if (together && last !== undefined && last.length < togetherMax) last.push(file);
    else groups.push([file]);
  }
  return groups;
}

function nameOf([first, ...others]: Group): string {
  return others.length === 0 ? first : `${first} to ${others.at(-1)}`;
}

function folderOf(file: string): string | undefined {
  return nodeOnlyFolders.find((folder) => file.startsWith(folder));
}

function check(stage: string, name: string, command: readonly string[]): Job {
  return { stage, name, command, runner: "command", limitMillis: commandLimitMillis, alone: false };
}

function nodeOnlyJob(file: string): Job {
  const command = [node, "--test-reporter=spec", file];
  const alone = measuring.some((start) => file.startsWith(start));
  const stage = file.split("/")[1] ?? "";
  return { stage, name: file, command, runner: "node", limitMillis: strangersLimitMillis, alone };
}

function nodeJob(group: Group): Job {
  return testJob("node", group, nodeCommand(node, group, "tests/import_all.ts"), "node");
}

/** One job that fails and says what to do when Node 20 is not there. */
function node20Jobs(groups: readonly Group[]): Job[] {
  let program: string;
  try {
    program = runtimeProgram("node20");
  } catch (error) {
    const words = JSON.stringify(error instanceof Error ? error.message : String(error));
    return [check("node20", "Node 20", [node, "-e", `console.log(${words}); process.exit(1)`])];
  }
  const built = (file: string): string => join("build", file.replace(/\.ts$/, ".js"));
  const importAll = built("tests/import_all.ts");
  return groups.map((group) => {
    const [first, ...others] = group;
    const command = nodeCommand(program, [built(first), ...others.map(built)], importAll);
    return testJob("node20", group, command, "node");
  });
}

function nodeCommand(program: string, group: Group, importAll: string): string[] {
  const files = group.length === 1 ? group : [importAll, ...group];
  return [program, "--test-reporter=spec", ...files];
}

function denoJob(group: Group): Job {
  // The packages npm has installed, so that a test run fetches nothing.
  const flags = ["-A", "--no-check", "--node-modules-dir=manual"];
  return testJob("deno", group, [join(bin, "deno"), "test", ...flags, ...group], "deno");
}

function bunJob(group: Group): Job {
  const files = group.map((file) => `./${file}`);
  const command = [join(bin, "bun"), "test", `--timeout=${testLimitMillis}`, ...files];
  return testJob("bun", group, command, "bun");
}

function testJob(stage: string, group: Group, command: readonly string[], runner: Runner): Job {
  const name = nameOf(group);
  return { stage, name, command, runner, limitMillis: testLimitMillis, alone: false };
}
