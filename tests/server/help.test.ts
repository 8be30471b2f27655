import assert from "node:assert/strict";
import { test } from "node:test";
import { describeSettings } from "../../server/config/config.ts";
import { help } from "../../server/help.ts";

test("--help has every setting once, below the part of the server that it is of", () => {
  const lines = help().split("\n");
  for (const { key, env, help: text } of describeSettings()) {
    const at = lines.findIndex((line) => line.startsWith(`  --${key} `));
    assert.equal(lines[at + 1], `      ${text}; environment ${env}`, key);
    const part = lines.slice(0, at).findLast((line) => /^\w/.test(line)) ?? "";
    assert.ok(part === "server" ? !/^vhost|^limits/.test(key) : key.startsWith(`${part}.`), key);
  }
  const parts = lines.filter((line) => /^[a-z]/.test(line));
  assert.equal(new Set(parts).size, parts.length);
  assert.ok(lines.every((line) => line.length <= 160));
});
