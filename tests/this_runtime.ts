/** The runtime a test runs on. @module */

import process from "node:process";
import type { Runtime } from "./runtimes.ts";

export const thisRuntime: Runtime =
  "Bun" in globalThis
    ? "bun"
    : "Deno" in globalThis
      ? "deno"
      : process.versions.node.startsWith("20.")
        ? "node20"
        : "node";

/**
 * How much of the same work to do: all of it on current Node, less elsewhere, where the code that
 * is tested is the very same module.
 */
export function mostlyOnNode<T>(onNode: T, elsewhere: T): T {
  return thisRuntime === "node" ? onNode : elsewhere;
}
