import assert from "node:assert/strict";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadRuntime } from "../../../runtime/mod.ts";
import { parseConfig } from "../../../server/config/config.ts";
import { Hooks } from "../../../server/hooks/mod.ts";
import { Log } from "../../../server/log.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import { stage } from "../record/stage.ts";
import { until } from "../rtc/client.ts";
import { hookServer } from "./hook_server.ts";

test("on_dvr_delete tells of each old recording that was deleted, and why", async (t) => {
  const told = await hookServer(t);
  const { recordings, folder } = await stage(t, {
    args: ["--vhost.dvr.dvr_max_age", "3600"],
    hurry: 2000,
  });
  const runtime = await loadRuntime();
  const { config } = parseConfig({}, told.settings("on_dvr_delete"));
  const hooks = new Hooks({
    runtime,
    config,
    log: new Log({ wallClock: () => 0, print: () => {} }, "info"),
    metrics: serverMetrics(),
    fetch,
    identity: { server: "s", service: "t", pid: "1" },
  });
  t.after(() => hooks.close(1000));
  hooks.follow(recordings);
  mkdirSync(join(folder, "live"));
  const old = join(folder, "live/one.1700000000000.mp4");
  writeFileSync(old, "12345");
  utimesSync(old, 1_700_000_000, 1_700_000_000);
  await recordings.recover();
  await until(() => told.of("on_dvr_delete").length === 1, "on_dvr_delete");
  assert.ok(!existsSync(old));
  const [{ body } = assert.fail()] = told.of("on_dvr_delete");
  const { action, app, stream, file } = body;
  assert.deepEqual(
    [action, app, stream, file, body["for"]],
    ["on_dvr_delete", "live", "one", old, "age"],
  );
});
