#!/usr/bin/env node
/**
 * Monoport: a live media server that needs one TCP port.
 *
 * ```ts
 * import { loadRuntime, parseConfig, serve } from "monoport";
 *
 * const runtime = await loadRuntime();
 * const { config } = parseConfig({}, ["--listen", "127.0.0.1:8080"]);
 * const monoport = await serve({ runtime, config });
 * await monoport.close();
 * ```
 *
 * Run as a program (`deno run -P mod.ts`, `bun run mod.ts`, `node dist/mod.js`) it serves until it
 * is stopped; see `--help`.
 *
 * @module
 */
import { isMain } from "./runtime/main.ts";
import { loadRuntime } from "./runtime/mod.ts";
import { runCommand } from "./server/command.ts";

export { loadRuntime } from "./runtime/mod.ts";
export type { Admission, Admit, Verdict } from "./server/admit.ts";
export { type Config, parseConfig } from "./server/config/config.ts";
export { type Monoport, type ServeOptions, serve } from "./server/monoport.ts";
export { VERSION } from "./server/version.ts";

if (isMain(import.meta)) await runCommand(await loadRuntime());
