import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repository } from "../tools.ts";

interface PackageJson {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

interface DenoJson {
  readonly version: string;
  readonly imports: Readonly<Record<string, string>>;
}

const read = (file: string): string => readFileSync(join(repository, file), "utf8");
const npm = JSON.parse(read("package.json")) as PackageJson;
const deno = JSON.parse(read("deno.json")) as DenoJson;

test("deno.json names the packages and versions of package.json", () => {
  const expected = Object.entries(npm.dependencies).map(([name, range]) => [
    name,
    `npm:${name}@${range}`,
  ]);
  assert.deepEqual(deno.imports, Object.fromEntries(expected));
});

test("the version is one", () => {
  assert.equal(deno.version, npm.version);
  assert.match(read("CHANGELOG.md"), new RegExp(`^## ${npm.version.replaceAll(".", "\\.")}`, "m"));
});

test("each package has its reason in docs/dependencies.md", () => {
  const reasons = read("docs/dependencies.md");
  const { devDependencies } = JSON.parse(read("package.json")) as {
    devDependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(npm.dependencies), ...Object.keys(devDependencies)]) {
    assert.ok(reasons.includes(`\`${name}\``), `${name} is not in docs/dependencies.md`);
  }
});
