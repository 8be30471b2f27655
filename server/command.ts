/** The command line: what `monoport` prints, and when it stops. @module */
import { MonoportError, type Runtime } from "../core/base/mod.ts";
import { banner } from "./banner.ts";
import { checkCommand } from "./check/mod.ts";
import { parseConfig } from "./config/config.ts";
import { help } from "./help.ts";
import { type Monoport, serve } from "./monoport.ts";
import { VERSION } from "./version.ts";

/** Exit codes: a wrong setting is 2, as of commands that were typed wrong. */
const FAILED = 1;
const MISUSED = 2;

/** Runs the program until a signal ends it. */
export async function runCommand(runtime: Runtime): Promise<void> {
  const { args } = runtime;
  if (args[0] === "check") runtime.exit(await checkCommand(runtime, args.slice(1)));
  if (args.includes("--help") || args.includes("-h")) {
    runtime.print(help());
    runtime.exit(0);
  }
  if (args.includes("--version") || args.includes("-V") || args.includes("-v")) {
    runtime.print(`Monoport ${VERSION} (${runtime.name} ${runtime.version})`);
    runtime.exit(0);
  }
  try {
    const { config, warnings } = parseConfig(runtime.env(), args);
    for (const warning of warnings) runtime.print(`Warning: ${warning}`, "error");
    const monoport = await serve({ runtime, config });
    // Before anybody is told that it runs.
    stopOnSignal(runtime, monoport);
    runtime.print(banner(runtime, monoport, config));
  } catch (error) {
    if (!(error instanceof MonoportError)) throw error;
    runtime.print(explain(error), "error");
    runtime.exit(error.code === "config-invalid" ? MISUSED : FAILED);
  }
}

/**
 * SIGTERM lets sessions go on for a while (SRS's SIGQUIT does, too), SIGINT ends them at once; so
 * does a second signal, and a third one waits for nothing.
 */
function stopOnSignal(runtime: Runtime, monoport: Monoport): void {
  let state: "running" | "draining" | "closing" = "running";
  const stop = (how: "drain" | "close"): void => {
    if (state === "closing") runtime.exit(FAILED);
    state = how === "drain" && state === "running" ? "draining" : "closing";
    const ended = state === "draining" ? monoport.drain() : monoport.close();
    ended.then(
      () => runtime.exit(0),
      () => runtime.exit(FAILED),
    );
  };
  runtime.onSignal("SIGTERM", () => stop("drain"));
  runtime.onSignal("SIGQUIT", () => stop("drain"));
  runtime.onSignal("SIGINT", () => stop("close"));
}

function explain(error: MonoportError): string {
  if (error.code !== "config-invalid") return `Cannot start: ${error.message}`;
  return `Cannot start, the configuration is wrong:\n${error.message.replaceAll(/^/gm, "  ")}`;
}
