/** The configuration files in docs/operations.md: what tests run is what people copy. @module */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./tools.ts";

/**
 * The file that the text calls `name`, in a block of code whose first line is `# NAME`; every key of
 * `replace` is put in place of it wherever it stands.
 *
 * @throws when there is no such file, or it does not have a key.
 */
export function configurationOf(name: string, replace: Readonly<Record<string, string>>): string {
  const text = readFileSync(join(repository, "docs", "operations.md"), "utf8");
  const start = text.indexOf(`\n# ${name}\n`);
  if (start < 0) throw new Error(`docs/operations.md has no block that begins with "# ${name}"`);
  let file = text.slice(start + 1, text.indexOf("\n```", start) + 1);
  for (const [from, to] of Object.entries(replace)) {
    if (!file.includes(from)) throw new Error(`${name} of docs/operations.md has no "${from}"`);
    file = file.replaceAll(from, to);
  }
  return file;
}
