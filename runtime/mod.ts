/** The runtime this program runs on, behind the contract of core/base/io.ts. @module */
import type { Runtime } from "../core/base/io.ts";
import type { RuntimeOptions } from "./common/base_runtime.ts";

export type { NetKind, RuntimeOptions } from "./common/base_runtime.ts";

/** Loads the shim of the running runtime and no other one. */
export async function loadRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunRuntime(options);
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoRuntime(options);
  return (await import("./node.ts")).nodeRuntime();
}
