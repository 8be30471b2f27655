/** The end of the program: real processes, real signals. */
import assert from "node:assert/strict";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { type ServerProcess, startServer } from "../server_process.ts";
import { thisRuntime } from "../this_runtime.ts";
import { raw, rawStatus } from "./fixture.ts";
import { Camera } from "./rtc/camera.ts";
import { play, publish, type RtcClient, sleep, until } from "./rtc/client.ts";

const OFFER = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";

interface Call {
  readonly server: ServerProcess;
  readonly publisher: RtcClient;
  readonly viewer: RtcClient;
  /** Media packets the viewer has. */
  received: number;
}

/** A server with a publisher and a viewer. */
async function openCall(t: TestContext, args: readonly string[]): Promise<Call> {
  const server = await startServer({ runtime: thisRuntime, args: ["--demo", "off", ...args] });
  t.after(() => server.stop("SIGKILL"));
  const publisher = await publish(server, { stream: "drained" });
  t.after(() => publisher.close());
  await publisher.connect();
  const camera = new Camera(publisher);
  camera.remembers = false;
  camera.run(3);
  t.after(() => camera.stop());
  const viewer = await play(server, { stream: "drained" });
  t.after(() => viewer.close());
  await viewer.connect();
  const call = { server, publisher, viewer, received: 0 };
  viewer.onRtp = () => void call.received++;
  await until(() => call.received > 10, "the viewer sees");
  return call;
}

/** By a connection of its own: idle ones are closed. */
function readiness({ port }: ServerProcess): Promise<number> {
  return rawStatus(port, "GET", "/readyz", "host: a\r\n");
}

function remove({ port }: ServerProcess, { location }: RtcClient): Promise<number> {
  return rawStatus(port, "DELETE", location, "host: a\r\n");
}

test("SIGTERM: no new session, the old ones go on for the grace and end with close_notify", {
  timeout: 120_000,
}, async (t) => {
  const call = await openCall(t, ["--drain.grace", "10", "--grace_start_wait", "500"]);
  const { server, viewer, publisher } = call;
  assert.equal(await readiness(server), 200);
  process.kill(server.pid, "SIGTERM");
  await until(async () => (await readiness(server)) === 503, "readiness falls");
  const refused = await raw(
    server.port,
    `POST /whep/live/drained HTTP/1.1\r\nhost: a\r\ncontent-type: application/sdp\r\ncontent-length: ${OFFER.length}\r\n\r\n${OFFER}`,
  );
  assert.match(refused, /^HTTP\/1\.1 503 /);
  assert.match(refused, /being stopped/);
  assert.match(refused, /\r\nretry-after: 1\r\n/i);
  assert.match(refused, /\r\nconnection: close\r\n/i);
  const seen = call.received;
  viewer.drop();
  await viewer.connect(); // a running session may take another connection
  await until(() => call.received > seen + 30, "media goes on");
  assert.ok(!viewer.peer.closed && !server.ended());
  await until(() => viewer.peer.closed && publisher.peer.closed, "close_notify has come");
  await until(() => server.ended(), "the process has ended");
  assert.equal(await server.stop(), 0);
  assert.match(server.output(), /Draining.* sessions=2 seconds=10/);
  assert.match(server.output(), /Ending the sessions that are left sessions=2/);
});

test("SIGTERM: it ends as soon as the last session has left", { timeout: 120_000 }, async (t) => {
  const call = await openCall(t, ["--drain.grace", "60", "--grace_start_wait", "0"]);
  process.kill(call.server.pid, "SIGTERM");
  await until(async () => (await readiness(call.server)) === 503, "readiness falls");
  assert.equal(await remove(call.server, call.viewer), 200);
  await sleep(200);
  assert.ok(!call.server.ended(), "the publisher is still there");
  assert.equal(await remove(call.server, call.publisher), 200);
  await until(() => call.server.ended(), "the process has ended");
  assert.equal(await call.server.stop(), 0);
});

test("a second SIGTERM and SIGINT end at once, with close_notify too", {
  timeout: 120_000,
}, async (t) => {
  for (const signals of [["SIGTERM", "SIGTERM"], ["SIGINT"]] as const) {
    const { server, viewer, publisher } = await openCall(t, ["--drain.grace", "60"]);
    for (const [i, signal] of signals.entries()) {
      // One that is not taken yet and its like are one to the kernel.
      if (i > 0) await until(() => /Draining/.test(server.output()), "it drains");
      process.kill(server.pid, signal);
    }
    await until(() => server.ended(), `the process has ended by ${signals.join(", ")}`);
    assert.equal(await server.stop(), 0);
    await until(() => viewer.peer.closed && publisher.peer.closed, signals.join());
  }
});

test("SIGTERM without sessions: balancers have grace_start_wait to see it", {
  timeout: 120_000,
}, async (t) => {
  const args = ["--rtc_server.enabled", "off", "--grace_start_wait", "600"];
  const server = await startServer({ runtime: thisRuntime, args });
  t.after(() => server.stop("SIGKILL"));
  assert.doesNotMatch(server.output(), /demo|WHIP/, "what is not served is not offered");
  const start = performance.now();
  process.kill(server.pid, "SIGTERM");
  let refusals = 0;
  while (!server.ended() && performance.now() - start < 30_000) {
    refusals += await readiness(server).then(
      (status) => Number(status === 503),
      () => 0,
    );
    await sleep(20);
  }
  const took = performance.now() - start;
  assert.ok(took >= 580, `${took} ms`);
  assert.ok(refusals > 0, `${refusals}`);
  assert.equal(await server.stop(), 0);
});
