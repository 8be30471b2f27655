import process from "node:process";
import type { Runtime } from "../core/base/io.ts";
import { baseRuntime } from "./common/base_runtime.ts";

/** Monoport on Node: everything comes from its own modules. */
export function nodeRuntime(): Runtime {
  return baseRuntime("node", process.versions.node);
}
