/**
 * Imported first by everything here that is run: with `--help` it prints what stands at the top of
 * the program, and ends it.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";

const [, program = ""] = process.argv;
if (process.argv.includes("--help") || process.argv.includes("-h")) {
  console.log(headOf(readFileSync(program, "utf8")));
  process.exit(0);
}

/** The first comment of a source, without its marks. */
export function headOf(source: string): string {
  const [, comment = ""] = /\/\*\*([\s\S]*?)\*\//.exec(source) ?? [];
  return comment
    .replaceAll(/^[ \t]*\* ?/gm, "")
    .replaceAll("@module", "")
    .trim();
}
