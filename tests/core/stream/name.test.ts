import assert from "node:assert/strict";
import { test } from "node:test";
import { isBadStreamName, parseStreamName } from "../../../core/stream/mod.ts";

const good = ["a", "live", "0", "-", "_x", "a.b", "a..b", "A-Z_0.9", "a".repeat(128)];
const bad = [
  "",
  ".",
  "..",
  ".hidden",
  "a/b",
  "a\\b",
  "a b",
  "a\n",
  "a\0",
  "%2e",
  "ä",
  "\u0130",
  "\u212a",
  "\uff21",
  "a?b",
  "[",
  "@",
  "`",
  "{",
  ":",
  "a".repeat(129),
];

test("app and stream are 1 to 128 of [A-Za-z0-9._-] without a leading dot", () => {
  for (const one of good) {
    const parsed = parseStreamName(one, one);
    assert.ok(!isBadStreamName(parsed), one);
    assert.equal(parsed.key, `${one}/${one}`);
  }
  for (const one of bad) {
    for (const parsed of [parseStreamName(one, "x"), parseStreamName("x", one)]) {
      assert.ok(isBadStreamName(parsed), JSON.stringify(one));
      assert.equal(parsed.fault.code, "name");
    }
  }
});

test("a refused name is named, whole only up to its bound", () => {
  const parsed = parseStreamName("live", `a/${"b".repeat(1000)}`);
  assert.ok(isBadStreamName(parsed));
  assert.match(parsed.message, /^stream "a\/b+" is not 1 to 128 of/);
  assert.ok(parsed.message.length < 250);
  const app = parseStreamName('"<', "x");
  assert.ok(isBadStreamName(app));
  assert.match(app.message, /^app "\\"<" is not/);
});
