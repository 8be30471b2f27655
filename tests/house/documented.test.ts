import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { describeSettings } from "../../server/config/config.ts";
import { serverMetrics } from "../../server/metrics.ts";
import { repository } from "../tools.ts";

const text = readFileSync(join(repository, "docs/configuration.md"), "utf8");

test("docs/configuration.md has every setting with its environment, default and meaning", () => {
  for (const { key, env, absent, help } of describeSettings()) {
    const shown = absent === "" ? "" : `\`${absent}\``;
    const row = `| \`${key}\` | \`${env}\` | ${shown} | ${help} |`;
    assert.ok(text.includes(row), `the row is missing or differs:\n${row}`);
  }
});

test("docs/configuration.md has every metric", () => {
  for (const [, name = "", help = ""] of serverMetrics()
    .render()
    .matchAll(/^# HELP (\S+) (.*)$/gm)) {
    assert.match(
      text,
      new RegExp(`^\\| \`${name}\` \\|.*\\| ${help.replaceAll(/[()]/g, "\\$&")} \\|$`, "m"),
      name,
    );
  }
});
