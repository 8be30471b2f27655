/**
 * Recorded offers with lines lost, doubled, moved, replaced or scratched, for fast-check.
 *
 * @module
 */
import fc from "fast-check";
import { WRONG_LINES } from "./descriptions.ts";
import { recorded, recordedNames } from "./recorded.ts";

export function editedOffers(): fc.Arbitrary<string> {
  const offers = recordedNames().map((name) => recorded(name).split("\r\n"));
  const wrong = WRONG_LINES.map(([line]) => line);
  const edit = fc.record({
    how: fc.constantFrom("lose", "double", "move", "replace", "scratch"),
    at: fc.nat(500),
    to: fc.nat(500),
    text: fc.oneof(fc.constantFrom(...wrong, ...offers.flat()), fc.string({ maxLength: 60 })),
  });
  const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
  return fc.tuple(fc.constantFrom(...offers), edits).map(([offer, edits]) => {
    const lines = [...offer];
    for (const { how, at, to, text } of edits) {
      const index = at % lines.length;
      const line = lines[index] ?? "";
      if (how === "scratch") lines[index] = line.slice(0, to % 30) + text + line.slice(to % 30);
      if (how === "lose" || how === "move") lines.splice(index, 1);
      if (how === "replace") lines[index] = text;
      if (how === "double" || how === "move") lines.splice(to % (lines.length + 1), 0, line);
    }
    return lines.join("\r\n");
  });
}
