import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { loadRuntime } from "../../runtime/mod.ts";
import { startChild } from "./child.ts";
import { sleep, until } from "./peer.ts";

/** More than any runtime's backlog. */
const MOST = 1100;

test("connect gives up after timeoutMillis with ETIMEDOUT when nobody answers", async (t) => {
  const runtime = await loadRuntime();
  const child = startChild("stuck_child");
  const peers: Socket[] = [];
  t.after(async () => {
    for (const peer of peers) peer.destroy();
    child.process.kill("SIGKILL");
    await child.exited;
  });
  await until("the child", () => child.lines.length > 0);
  const port = Number(child.lines[0]);
  let connected = 0;
  for (let full = false; !full && peers.length < MOST; ) {
    const before = connected;
    for (let i = 0; i < 8; i++) {
      const peer = connect({ port, host: "127.0.0.1" });
      peer.on("error", () => {});
      peer.on("connect", () => connected++);
      peers.push(peer);
    }
    // Several looks: after a pause the first comes before those that have connected are told.
    for (let look = 0; look < 5 && connected === before; look++) await sleep(30);
    full = connected === before;
  }
  const start = runtime.now();
  await assert.rejects(
    () => runtime.connect({ host: "127.0.0.1", port }, { timeoutMillis: 150 }),
    (error: { code?: string }) => error.code === "ETIMEDOUT",
  );
  const took = runtime.now() - start;
  assert.ok(took >= 140 && took < 30_000, `${took} ms`);
});
