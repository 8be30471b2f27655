import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cellOf, NOTES, WAYS_IN, WAYS_OUT, waysInMarkdown } from "../interop/ways/table.ts";
import { repository } from "../tools.ts";

test("docs/protocols.md has the table of ways in and out that tests/interop/ways tries", () => {
  const docs = readFileSync(join(repository, "docs", "protocols.md"), "utf8");
  const table = waysInMarkdown();
  // The notes are wrapped there.
  const flat = (text: string): string => text.replaceAll(/\s+/g, " ");
  assert.ok(flat(docs).includes(flat(table).trim()), `the table is missing or differs:\n${table}`);
});

test("every way in has a cell for every way out, whose notes there are", () => {
  for (const { publisher, cells } of WAYS_IN) {
    assert.equal(cells.length, WAYS_OUT.length, publisher);
    for (const cell of cells) {
      const { video, audio, note } = cellOf(cell);
      assert.ok(note <= NOTES.length, cell);
      const all = video !== undefined && audio !== undefined;
      const alone = publisher.includes("alone") && audio !== undefined;
      assert.ok(all || alone || note > 0, `${publisher}: ${cell} does not say why`);
    }
  }
});
