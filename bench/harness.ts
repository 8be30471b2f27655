/**
 * Times small synchronous work: `npx node bench/X.ts`, `npx deno run -A bench/X.ts`,
 * `npx bun bench/X.ts`. Prints the median and the best of some rounds, in microseconds of CPU time
 * (all threads of the process, so the collector too) per unit: other programs then disturb it
 * least.
 *
 * @module
 */
import process from "node:process";

const WARM_UP_MILLIS = 400;
const ROUND_MILLIS = 150;
const ROUNDS = 9;

/** Name and version of the runtime, as `node 26.10.0`. */
export function runtimeName(): string {
  const global = globalThis as {
    readonly Bun?: { readonly version: string };
    readonly Deno?: { readonly version: { readonly deno: string } };
  };
  if (global.Bun !== undefined) return `bun ${global.Bun.version}`;
  if (global.Deno !== undefined) return `deno ${global.Deno.version.deno}`;
  return `node ${process.versions.node}`;
}

/** Prints what is measured and where. */
export function heading(title: string): void {
  console.log(`${title}, ${runtimeName()}, us of CPU: median (best) of ${ROUNDS} rounds`);
}

/** CPU time used so far, in microseconds. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Measures `work`, which does `units` units a call; returns the median in us. */
export function bench(name: string, units: number, work: () => void): number {
  let calls = 0;
  const start = performance.now();
  while (performance.now() - start < WARM_UP_MILLIS) {
    work();
    calls++;
  }
  const perRound = Math.max(1, Math.round((calls / WARM_UP_MILLIS) * ROUND_MILLIS));
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = cpuMicros();
    for (let i = 0; i < perRound; i++) work();
    rounds.push((cpuMicros() - before) / (perRound * units));
  }
  rounds.sort((a, b) => a - b);
  const median = (rounds[ROUNDS >> 1] ?? 0).toFixed(2);
  console.log(`  ${name.padEnd(52)} ${median.padStart(8)} (${(rounds[0] ?? 0).toFixed(2)})`);
  return rounds[ROUNDS >> 1] ?? 0;
}
