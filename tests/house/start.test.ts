import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { freePort } from "../free_port.ts";
import { type Runtime, runtimeProgram } from "../runtimes.ts";
import { startServer } from "../server_process.ts";
import { repository } from "../tools.ts";

/** The binary has a test of its own. */
const runtimes: readonly Runtime[] = ["node20", "node", "deno", "bun"];

for (const runtime of runtimes) {
  test(`started as a user does on ${runtime}, it serves its API and pages, and ends when told`, async (t) => {
    const server = await startServer({ runtime });
    t.after(() => server.stop("SIGKILL"));
    for (const path of ["/api/v1/versions", "/", "/players/whip.html", "/players/whep.html"]) {
      const answer = await fetch(server.url + path);
      assert.equal(answer.status, 200, path);
      await answer.arrayBuffer();
    }
    assert.equal(await server.stop(), 0, server.output());
  });
}

test("deno without permissions and without a terminal says what to type", async () => {
  const { status, stdout, stderr } = spawnSync(
    runtimeProgram("deno"),
    ["run", "mod.ts", "--listen", `127.0.0.1:${await freePort()}`],
    { cwd: repository, encoding: "utf8", timeout: 60_000, env: { ...process.env, NO_COLOR: "1" } },
  );
  assert.equal(status, 1, stdout + stderr);
  assert.match(stdout + stderr, /deno run -P mod\.ts/);
});
