/**
 * `npm test [-- [--only STAGE[,STAGE]] [PART OF A PATH ...]]`
 *
 * Installs what is missing, builds for Node 20, then compiles, lints and runs every test on every
 * runtime, some jobs at a time, and those that measure alone. With a part of a path only the tests
 * whose file has it in its name run. Tells the slowest jobs; the last line is `N passed, N failed`.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { repository } from "../tests/tools.ts";
import { killAll, runCommand } from "./run_command.ts";
import { setUpNode20, setUpTools } from "./setup.ts";
import { readCounts } from "./test_counts.ts";
import { buildJobs, checkJobs, type Job, testJobs } from "./test_plan.ts";

interface Stage {
  left: number;
  passed: number;
  failed: number;
  skipped: number;
  millis: number;
}

/** All of it together; what has not run by then counts as failed. */
const totalLimitMillis = 24 * 60_000;
/** One more than two cores: jobs wait for a third of their time. */
const lanes = Math.min(2, availableParallelism()) + 1;
const slowestToTell = 10;
/** Stages that run the sources alone; any other may start a server from dist/. */
const needsNoBuild = ["node", "deno", "bun"];

const started = performance.now();
const stages = new Map<string, Stage>();
const ran: { readonly job: Job; readonly millis: number }[] = [];
const env = jobEnvironment();

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { only: { type: "string" } },
    allowPositionals: true,
  });
  const only = values.only?.split(",");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => abort());
  if (only === undefined && positionals.length === 0) {
    await setUpNode20();
    await setUpTools();
  }

  const wanted = (job: Job): boolean => only === undefined || only.includes(job.stage);
  const tests = testJobs(positionals).filter(wanted);
  const needsBuild =
    tests.some((job) => !needsNoBuild.includes(job.stage)) || only?.includes("build");
  const builds = needsBuild ? buildJobs() : [];
  const checks = positionals.length === 0 ? checkJobs().filter(wanted) : [];
  for (const job of [...builds, ...checks, ...tests]) stageOf(job).left++;

  await runAll(builds, 1);
  await runAll([...checks, ...tests.filter((job) => !job.alone)], lanes);
  await runAll(
    tests.filter((job) => job.alone),
    1,
  );
  return tellTotal();
}

/**
 * The first lane takes from the end, where the browsers are: two of them at once would want more
 * than two cores.
 */
async function runAll(jobs: readonly Job[], width: number): Promise<void> {
  const queue = [...jobs];
  const work = async (take: () => Job | undefined): Promise<void> => {
    for (let job = take(); job !== undefined; job = take()) await runJob(job);
  };
  const lane = (_: unknown, index: number): Promise<void> =>
    work(() => (index === 0 && width > 1 ? queue.pop() : queue.shift()));
  await Promise.all(Array.from({ length: width }, lane));
}

async function runJob(job: Job): Promise<void> {
  const stage = stageOf(job);
  const left = totalLimitMillis - (performance.now() - started);
  if (left > 0) {
    const limitMillis = Math.min(job.limitMillis, left);
    const result = await runCommand(job.command, { limitMillis, cwd: repository, env });
    const counts = readCounts(job.runner, result.output, result.code);
    stage.passed += counts.passed;
    stage.failed += counts.failed;
    stage.skipped += counts.skipped;
    stage.millis += result.millis;
    ran.push({ job, millis: result.millis });
    if (counts.failed > 0) {
      const end = result.timedOut
        ? `killed after ${seconds(result.millis)}`
        : `exit ${result.code ?? result.signal}`;
      console.log(`\n--- ${job.stage}: ${job.name} (${end})\n${result.output.trimEnd()}\n---`);
    }
  } else {
    stage.failed++;
    console.log(`--- ${job.stage}: ${job.name}: no time left`);
  }
  if (--stage.left === 0) tellStage(job.stage, stage);
}

function stageOf(job: Job): Stage {
  let stage = stages.get(job.stage);
  if (stage === undefined) {
    stage = { left: 0, passed: 0, failed: 0, skipped: 0, millis: 0 };
    stages.set(job.stage, stage);
  }
  return stage;
}

function tellStage(name: string, stage: Stage): void {
  const verdict = stage.failed === 0 ? "ok    " : "FAILED";
  const failed = stage.failed === 0 ? "" : `, ${stage.failed} failed`;
  const skipped = stage.skipped === 0 ? "" : `, ${stage.skipped} skipped`;
  console.log(
    `${verdict} ${name.padEnd(8)} ${stage.passed} passed${failed}${skipped} (${seconds(stage.millis)})`,
  );
}

function tellTotal(): number {
  let passed = 0;
  let failed = 0;
  for (const stage of stages.values()) {
    passed += stage.passed;
    failed += stage.failed;
  }
  tellSlowest();
  console.log(`in ${seconds(performance.now() - started)}`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

function tellSlowest(): void {
  const slowest = ran.sort((a, b) => b.millis - a.millis).slice(0, slowestToTell);
  for (const { job, millis } of slowest) {
    console.log(`slow   ${job.stage.padEnd(8)} ${job.name} (${seconds(millis)})`);
  }
}

function abort(): never {
  killAll();
  process.exit(130);
}

function seconds(millis: number): string {
  return `${(millis / 1000).toFixed(1)} s`;
}

/** npm puts node_modules/.bin first in PATH, where `node` is the package of that name. */
function jobEnvironment(): NodeJS.ProcessEnv {
  const path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => !folder.includes("node_modules"));
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, FORCE_COLOR: ___, ...rest } = process.env;
  return {
    ...rest,
    PATH: path.join(delimiter),
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    // Halves the start of current Node, which else strips types and compiles anew in each process.
    NODE_COMPILE_CACHE: join(repository, ".cache", "node"),
  };
}
