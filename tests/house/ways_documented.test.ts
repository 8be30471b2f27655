import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cellOf, NOTES, WAYS_OUT, waysInMarkdown } from "../interop/ways/table.ts";
import { repository } from "../tools.ts";

test("docs/protocols.md has the table of ways in and out that tests/interop/ways tries", () => {
  const docs = readFileSync(join(repository, "docs", "protocols.md"), "utf8");
  const table = waysInMarkdown();
  // The notes are wrapped there.
  const flat = (text: string): string => text.replaceAll(/\s+/g, " ");
  // It ends the page: what is behind it would be left over from an older one.
  assert.ok(flat(docs).trim().endsWith(flat(table).trim()), `the table differs:\n${table}`);
});

test("cells that leave something out refer to a note that says why", () => {
  for (const { heading, cells } of WAYS_OUT) {
    for (const [content, text] of Object.entries(cells)) {
      const { video, audio, note } = cellOf(text);
      assert.ok(note <= NOTES.length, text);
      const all = audio !== undefined && (video !== undefined || content === "sound alone");
      assert.ok(all || note > 0, `${heading}, ${content}: ${text} does not say why`);
    }
  }
});
