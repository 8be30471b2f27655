/**
 * Installs what the tests need beside the packages: on Debian as root; elsewhere says what to type.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { runtimeProgram } from "../tests/runtimes.ts";
import { findProgram, missingPackages, repository } from "../tests/tools.ts";
import { runCommand } from "./run_command.ts";

/** Puts Node 20, the oldest we support, aside when the machine's own is another. */
export async function setUpNode20(): Promise<void> {
  try {
    runtimeProgram("node20");
  } catch {
    console.log("fetching Node 20 into .cache");
    const npm = ["npm", "install", "--no-save", "--prefix", join(repository, ".cache/node20")];
    const result = await runCommand([...npm, "node@20"], { limitMillis: 300_000 });
    if (result.code !== 0) console.log(result.output);
  }
}

/**
 * Resolves to false when something is missing still; the tests that need it will fail and say so.
 */
export async function setUpTools(): Promise<boolean> {
  const packages = missingPackages();
  if (packages.length === 0) return true;
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
  const root = process.getuid?.() === 0;
  if (!root || !existsSync("/etc/debian_version") || findProgram("apt-get") === undefined) {
    console.log(`Some tests need more than is installed here. On Debian or Ubuntu type:
  sudo apt-get update && sudo ${install.join(" ")}`);
    return false;
  }
  console.log(`installing ${packages.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const command of [["apt-get", "update"], install]) {
    const result = await runCommand(command, { limitMillis: 600_000, env });
    if (result.code !== 0) {
      console.log(`${command.join(" ")} failed:\n${result.output}`);
      if (command === install) return false;
    }
  }
  return missingPackages().length === 0;
}
