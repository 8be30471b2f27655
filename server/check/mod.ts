/** `monoport check`: what passes between this machine and a server. @module */
import type { Runtime } from "../../core/base/mod.ts";
import { CHECK_HELP, parseCheck } from "./arguments.ts";
import { hostAndPort, lineText } from "./line.ts";
import { runCheck } from "./run.ts";

export { parseCheck } from "./arguments.ts";
export { type CheckReport, runCheck } from "./run.ts";

/** EX_USAGE of sysexits.h. */
const USAGE = 64;

const VERDICTS = {
  0: "All that is offered passes.",
  1: "Media passes, with limits.",
  2: "No media passes.",
} as const;

/** Runs the command; `args` is what stands behind `check`. Returns the exit code. */
export async function checkCommand(runtime: Runtime, args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    runtime.print(CHECK_HELP);
    return 0;
  }
  const options = parseCheck(args);
  if (typeof options === "string") {
    runtime.print(`${options}\n\n${CHECK_HELP}`, "error");
    return USAGE;
  }
  const report = await runCheck(runtime, options, (one) => {
    if (!options.json) runtime.print(lineText(one));
  });
  const { lines, exitCode } = report;
  const verdict = VERDICTS[exitCode];
  const target = hostAndPort(options.host, options.port);
  if (options.json)
    runtime.print(JSON.stringify({ target, verdict, exit: exitCode, checks: lines }));
  else runtime.print(`\n${verdict}`);
  return exitCode;
}
