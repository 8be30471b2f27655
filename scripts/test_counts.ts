/** Reads how many tests passed from what a test runner printed. @module */

export type Runner = "node" | "deno" | "bun" | "command";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Told, for a runtime may lack what a test is about; neither passed nor failed. */
  readonly skipped: number;
}

/**
 * Counts of one run. A runner that fails without saying which test did, or that ran no test at
 * all, counts as one failure, so that nothing is green by not having run.
 */
export function readCounts(runner: Runner, output: string, code: number | null): Counts {
  const plain = withoutColour(output);
  const counts =
    runner === "command"
      ? { passed: code === 0 ? 1 : 0, failed: 0, skipped: 0 }
      : parse[runner](plain);
  const broken = code !== 0 || counts.passed + counts.failed === 0;
  return broken && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

const parse = {
  /** `ℹ pass 3`, of the reporter "spec". */
  node: (text: string): Counts => ({
    passed: sum(text, /^ℹ pass (\d+)$/gm),
    failed: sum(text, /^ℹ (?:fail|cancelled) (\d+)$/gm),
    skipped: sum(text, /^ℹ (?:skipped|todo) (\d+)$/gm),
  }),
  /** `ok | 2 passed (1 step) | 1 failed | 1 ignored (16ms)`; what is in a suite is a step. */
  deno: (text: string): Counts => ({
    passed:
      sum(text, /^(?:ok|FAILED) \| (\d+) passed/gm) +
      sum(text, /^(?:ok|FAILED) \| \d+ passed \((\d+) steps?\)/gm),
    failed: sum(text, /^(?:ok|FAILED) \|.* (\d+) failed/gm),
    skipped: sum(text, /^(?:ok|FAILED) \|.* (\d+) ignored/gm),
  }),
  /** ` 2 pass` and ` 1 fail`, each on its line. */
  bun: (text: string): Counts => ({
    passed: sum(text, /^ (\d+) pass$/gm),
    failed: sum(text, /^ (\d+) (?:fail|error|errors)$/gm),
    skipped: sum(text, /^ (\d+) (?:skip|todo)$/gm),
  }),
};

function sum(text: string, pattern: RegExp): number {
  let total = 0;
  for (const match of text.matchAll(pattern)) total += Number(match[1]);
  return total;
}

function withoutColour(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC begins a colour
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}
