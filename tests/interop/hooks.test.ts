/** The program in docs/operations.md that decides who may publish, as people copy it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "../free_port.ts";
import { start } from "../server/fixture.ts";
import { until } from "../server/rtc/client.ts";
import { openEncoder } from "../server/rtmp/encoder.ts";
import { repository } from "../tools.ts";

test("the hook of docs/operations.md lets those publish who know the key, and has them recorded", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "monoport-hook-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const docs = readFileSync(join(repository, "docs/operations.md"), "utf8");
  const code = /```js\n(\/\/ hooks\.mjs.*?)```/s.exec(docs)?.[1] ?? "";
  const port = await freePort();
  assert.match(code, /listen\(8085, "127\.0\.0\.1"\)/);
  // A server that listens says so.
  const patched = code.replace(
    /listen\(8085, "127\.0\.0\.1"\)/,
    `listen(${port}, "127.0.0.1", () => console.log("up"))`,
  );
  writeFileSync(join(folder, "hooks.mjs"), patched);
  const env = { ...process.env, KEY: "k3y" };
  const hook = spawn(process.execPath, [join(folder, "hooks.mjs")], { env, stdio: "pipe" });
  t.after(() => hook.kill("SIGKILL"));
  await once(hook.stdout, "data");
  const url = `http://127.0.0.1:${port}/`;
  const server = await start([
    ...["--vhost.http_hooks.enabled", "on", "--vhost.http_hooks.on_publish", url],
    ...["--vhost.http_hooks.on_unpublish", url, "--vhost.dvr.dvr_path", `${folder}/[stream].mp4`],
  ]);
  t.after(() => server.monoport.close());
  for (const [secret, code] of [
    ["wrong", "NetStream.Publish.Denied"],
    ["k3y", "NetStream.Publish.Start"],
  ] as const) {
    const from = await openEncoder(server.port);
    t.after(() => from.close());
    from.publish(`a?secret=${secret}`);
    await until(() => from.words.includes(code), code);
  }
  assert.equal(server.monoport.metrics.value("monoport_recordings_total", "hook"), 1);
});
