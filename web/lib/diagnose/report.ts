/** The results as text for a ticket: addresses and versions, no token. @module */
import {
  type Candidate,
  type Check,
  type CheckName,
  candidateInWords,
  checkNames,
} from "./checks.ts";

export interface Report {
  readonly summary: string;
  readonly time: Date;
  readonly version: string;
  /** Scheme, host and port of the server. */
  readonly origin: string;
  readonly browser: string;
  readonly candidates: readonly Candidate[];
  readonly checks: ReadonlyMap<CheckName, Check>;
}

export function reportText(report: Report): string {
  const { checks, candidates } = report;
  const lines = [...checks].flatMap(([name, { verdict, facts, advice }]) => [
    `${verdict.padEnd(11)} ${[checkNames[name], facts].filter((one) => one !== "").join(": ")}`,
    ...(advice === "" ? [] : [`            ${advice}`]),
  ]);
  return [
    report.summary,
    "",
    `Time: ${report.time.toISOString()}`,
    `Server: Monoport ${report.version || "of unknown version"} at ${report.origin}`,
    `Browser: ${report.browser}`,
    `Candidates: ${candidates.map(candidateInWords).join(", ") || "none"}`,
    "",
    ...lines,
    "",
  ].join("\n");
}
