import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { banner } from "../../server/banner.ts";
import { parseConfig } from "../../server/config/config.ts";
import { repository } from "../tools.ts";

const readme = readFileSync(join(repository, "README.md"), "utf8");

test("README shows what the start prints", () => {
  const anywhere = [{ host: "::", port: 8080 }];
  const printed = banner(
    { name: "node", version: "26.10.0" },
    { endpoints: anywhere, udpEndpoints: anywhere, tls: undefined },
    parseConfig({}, []).config,
  );
  assert.ok(readme.includes(`\n\`\`\`\n${printed}\n\`\`\`\n`), printed);
});

test("README has its sections in the order a newcomer asks", () => {
  assert.deepEqual(
    [...readme.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading),
    [
      "Two commands",
      "What you see then",
      "Publish and play over TCP",
      "One-port HTTPS",
      "Behind a load balancer",
      "Configuration",
      "Limits",
    ],
  );
});

test("every script of npm is told in README or CONTRIBUTING", () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const text = readme + readFileSync(join(repository, "CONTRIBUTING.md"), "utf8");
  // npm runs that one by itself.
  const told = Object.keys(scripts).filter((name) => name !== "prepack");
  assert.ok(told.length > 10);
  for (const name of told) assert.match(text, new RegExp(`(npm (run )?|\`)${name}\\b`), name);
});
