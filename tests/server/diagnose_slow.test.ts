import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { loadRuntime } from "../../runtime/mod.ts";
import { start } from "./fixture.ts";
import { until } from "./rtc/client.ts";

/** What waits for a time waits a tenth of it. */
const FASTER = 10;

test("an offer of a test that drips holds its slot for 10 s, then it is 408", async (t) => {
  const real = await loadRuntime();
  const wakeAt = (at: number, fire: () => void): Disposable =>
    real.wakeAt(real.now() + (at - real.now()) / FASTER, fire);
  const server = await start([], { runtime: { ...real, wakeAt } });
  t.after(() => server.monoport.close());
  const taken = (): number => server.monoport.metrics.value("monoport_diagnose_tests");
  const socket = connect(server.port, "127.0.0.1");
  t.after(() => void socket.destroy());
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  socket.on("error", () => {});
  const fields = "Host: x\r\nContent-Type: application/sdp\r\nContent-Length: 5000\r\n";
  socket.write(`POST /api/v1/diagnose/whep HTTP/1.1\r\n${fields}\r\n`);
  const drip = setInterval(() => void socket.write("v"), 100);
  t.after(() => clearInterval(drip));
  await until(() => answer.includes("\r\n\r\n"), "it is answered");
  await until(() => taken() === 0, "the slot is free again");
  assert.match(answer, /^HTTP\/1\.1 408 [\s\S]*10000 ms/);
});
