/** Installs what the tests need beside the packages: on Debian as root; elsewhere says what to type. @module */

import { existsSync } from "node:fs";
import { findProgram, missingPackages } from "../tests/tools.ts";
import { runCommand } from "./run_command.ts";

/** Resolves to false when something is missing still; the tests that need it will fail and say so. */
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
