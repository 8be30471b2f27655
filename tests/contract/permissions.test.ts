import assert from "node:assert/strict";
import { test } from "node:test";
import { startChild } from "./child.ts";

const deno = "Deno" in globalThis;

interface Told {
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  readonly args: readonly string[];
  readonly env: number;
  readonly interfaces: number;
  readonly residentBytes: number;
  /** Addresses of localhost. */
  readonly resolved: number;
  /** What became of a new file where no folder is. */
  readonly opened: string;
}

async function run(
  denoFlags: readonly string[],
  args: readonly string[] = [],
): Promise<{ code: number | null; lines: string[]; errors: string; told: Told }> {
  const child = startChild("permissions_child", { denoFlags, args });
  const timer = setTimeout(() => child.process.kill("SIGKILL"), 20_000);
  const code = await child.exited;
  clearTimeout(timer);
  const { lines, errors } = child;
  return { code, lines, errors, told: JSON.parse(lines[0] ?? "{}") };
}

test("a program tells its runtime and arguments, and reaches itself over the network", async () => {
  const { code, lines, errors, told } = await run(["-A"], ["one", "--two"]);
  assert.equal(errors, "");
  assert.equal(code, 0);
  assert.deepEqual(told.args, ["one", "--two"]);
  assert.ok(told.env > 0);
  assert.ok(told.interfaces > 0);
  assert.ok(told.resolved > 0);
  assert.match(told.opened, /^ENOENT /);
  assert.ok(told.residentBytes > 0);
  assert.equal(lines[1], "echo");
});

function permissions(): void {
  test("without permissions and without a terminal: the command to type, no stack", async () => {
    const { code, errors, told } = await run([]);
    assert.equal(code, 1);
    assert.match(errors, /^permission-missing: .*deno run -P mod\.ts\n$/);
    assert.equal(told.name, "deno");
    assert.match(told.version, /^2\./);
    assert.ok(told.pid > 0);
    assert.equal(told.env, 0);
    assert.equal(told.interfaces, 0);
    assert.equal(told.resolved, 0);
    assert.match(told.opened, /^EACCES .*--allow-write/);
  });

  for (const args of [[], ["tls"]]) {
    const title = `network access is enough${args.length > 0 ? " for TLS too" : ""}`;
    test(`${title}: nothing else is asked for`, async () => {
      const { code, lines, errors } = await run(["--allow-net", "--no-prompt"], args);
      assert.equal(errors, "");
      assert.equal(code, 0);
      assert.equal(lines[1], "echo");
    });
  }

  test("network access to one address is enough for that address", async () => {
    const { code, errors } = await run(["--allow-net=127.0.0.1", "--no-prompt"]);
    assert.equal(errors, "");
    assert.equal(code, 0);
  });
}

// Only Deno asks for permissions.
if (deno) permissions();
