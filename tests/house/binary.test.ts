import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { serverCommand } from "../runtimes.ts";
import { startServer } from "../server_process.ts";
import { repository } from "../tools.ts";

test("the binary serves its API and its pages from an empty directory", async (t) => {
  execFileSync(process.execPath, [join(repository, "scripts/build_binary.ts")], {
    encoding: "utf8",
    stdio: "pipe",
  });
  const cwd = mkdtempSync(join(tmpdir(), "monoport-binary-"));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  // Without the variables that would let it find the repository again.
  const env = { PATH: "/usr/bin:/bin", NODE_PATH: undefined, npm_config_prefix: undefined };
  const server = await startServer({ runtime: "binary", cwd, env });
  t.after(() => server.stop());

  const versions = await fetch(`${server.url}/api/v1/versions`);
  assert.equal(versions.status, 200);
  assert.match(versions.headers.get("server") ?? "", /^Monoport\//);
  assert.equal(((await versions.json()) as { code: number }).code, 0);

  const index = await fetch(`${server.url}/`);
  assert.equal(index.status, 200);
  assert.match(index.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(await index.text(), /<title>[^<]*Monoport/);

  const [program = ""] = serverCommand("binary");
  const target = `${server.host}:${server.port}`;
  const checked = execFileSync(program, ["check", target], {
    cwd,
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.match(checked, /^passes +WebRTC over TCP: .*All that is offered passes\.\n$/ms);

  assert.notEqual(await server.stop(), null, "it ends by itself on SIGINT");
});
