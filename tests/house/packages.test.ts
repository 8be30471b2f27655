import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runtimeProgram } from "../runtimes.ts";
import { repository } from "../tools.ts";

interface PackageJson {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
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

test("what package.json points at is in dist/, which runs where type stripping does not reach", () => {
  for (const [condition, path] of Object.entries(npm.exports["."] ?? {})) {
    assert.match(path, /^\.\/dist\//, condition);
    assert.ok(existsSync(join(repository, path)), path);
  }
});

test("the command of an installed package starts: it is linked, and its first line names node", (t) => {
  const command = join(repository, npm.bin["monoport"] ?? "");
  assert.match(readFileSync(command, "utf8"), /^#!\/usr\/bin\/env node\n/);
  const folder = mkdtempSync(join(tmpdir(), "monoport-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const link = join(folder, "monoport");
  symlinkSync(command, link);
  const { status, stdout } = spawnSync(runtimeProgram("node20"), [link, "--version"], {
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.equal(status, 0);
  assert.match(stdout, new RegExp(`\\b${npm.version.replaceAll(".", "\\.")}\\b`));
});
