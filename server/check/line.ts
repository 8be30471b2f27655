/** What `monoport check` says of one thing it tried. @module */

/** `limited` works, with something to mend. */
export type Verdict = "passes" | "slow" | "limited" | "blocked" | "not offered";

export interface Line {
  readonly name: string;
  readonly verdict: Verdict;
  /** Figures and addresses; empty for none. */
  readonly facts: string;
  /** What it means and what to do; empty when there is nothing to do. */
  readonly advice: string;
}

export function line(name: string, verdict: Verdict, facts: string, advice = ""): Line {
  return { name, verdict, facts, advice };
}

/** A stranger's words are in it: nothing of them moves the terminal's cursor. */
export function lineText({ name, verdict, facts, advice }: Line): string {
  const said = `${verdict.padEnd(11)} ${facts === "" ? name : `${name}: ${facts}`}`;
  return [said, ...(advice === "" ? [] : [`            ${advice}`])]
    .map((text) => text.replaceAll(/[^\x20-\x7e]/g, "?"))
    .join("\n");
}

export function hostAndPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export function inMillis(millis: number): string {
  return `${millis < 10 ? millis.toFixed(1) : Math.round(millis)} ms`;
}
