/**
 * Offers that real peers made, in tests/vectors/sdp: a `#` line naming the source, then the SDP.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../../tools.ts";

const folder = join(repository, "tests", "vectors", "sdp");

export function recordedNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".sdp"))
    .map((file) => file.slice(0, -4))
    .sort();
}

export function recorded(name: string): string {
  const text = readFileSync(join(folder, `${name}.sdp`), "utf8");
  if (!text.startsWith("# ")) throw new Error(`${name}.sdp does not name its source`);
  return text.slice(text.indexOf("\n") + 1);
}
