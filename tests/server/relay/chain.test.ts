import assert from "node:assert/strict";
import { test } from "node:test";
import { isParameterSet } from "../rtc/camera.ts";
import { until } from "../rtc/client.ts";
import { film, onlyRelay, relays, server, watch } from "./fixture.ts";

test("a stream is pushed to another server by WHIP over TCP, and is whole there", async (t) => {
  const far = await server(t);
  const near = await server(
    t,
    "--relay.push",
    `live/cam=${far.url}/whip/live/copy`,
    "--relay.allow",
    "127.0.0.1",
  );
  assert.equal((await onlyRelay(near)).state, "idle"); // it begins when the stream does
  const camera = await film(t, near, "cam");
  const screen = await watch(t, far, "copy");
  await until(() => screen.packets > 60, "pictures on the far end");
  assert.ok(screen.first && isParameterSet(screen.first), "they begin with a keyframe");
  assert.deepEqual([screen.gaps, screen.torn, screen.badJumps], [0, 0, 0]);
  assert.ok(camera.requests > 0, "the far viewer's request reached the camera");
  const relay = await onlyRelay(near);
  assert.deepEqual(
    [relay.kind, relay.stream, relay.state, relay.attempts, relay.error, relay.transport],
    ["push", "live/cam", "connected", 1, "", "tcp"],
  );
  assert.ok(relay.kbps > 100, `${relay.kbps}`);
  assert.equal(far.monoport.metrics.value("monoport_sessions_total", "publish"), 1);
});

test("a push ends when the stream has had no publisher for a while, and begins with the next", async (t) => {
  const far = await server(t);
  const near = await server(
    t,
    ...["--relay.allow", "127.0.0.1", "--relay.push_idle", "1000"],
    ...["--relay.push", `live/cam=${far.url}/whip/live/copy`],
  );
  const screen = await watch(t, far, "copy");
  for (let round = 1; round <= 2; round++) {
    const camera = await film(t, near, "cam");
    const before = screen.packets;
    await until(() => screen.packets > before + 30, `pictures, round ${round}`);
    camera.stop();
    await camera.client.remove();
    await until(async () => (await onlyRelay(near)).state === "idle", "the push is over");
    await until(() => far.monoport.metrics.value("monoport_sessions") === 1, "and so it is there");
  }
});

test("a stream is pulled from another server by WHEP when the first viewer waits for it", async (t) => {
  const far = await server(t);
  const near = await server(
    t,
    "--relay.pull",
    `live/*=${far.url}/whep/[app]/[stream]`,
    "--relay.allow",
    "127.0.0.0/8",
    "--relay.pull_idle",
    "1000",
  );
  const camera = await film(t, far, "cam");
  await until(() => camera.packets > 20, "it runs");
  assert.equal(far.monoport.metrics.value("monoport_sessions_total", "play"), 0);
  const screen = await watch(t, near, "cam");
  const second = await watch(t, near, "cam");
  await until(() => screen.packets > 60 && second.packets > 60, "pictures here");
  assert.ok(screen.first && isParameterSet(screen.first));
  assert.deepEqual([screen.gaps, screen.torn, screen.badJumps], [0, 0, 0]);
  assert.equal(far.monoport.metrics.value("monoport_sessions_total", "play"), 1); // once for both
  const relay = await onlyRelay(near);
  assert.deepEqual([relay.kind, relay.state, relay.transport], ["pull", "connected", "tcp"]);
  // The last viewer goes, and after a while so does the session.
  await screen.client.remove();
  await second.client.remove();
  await until(() => far.monoport.metrics.value("monoport_sessions") === 1, "the pull ends");
  await until(async () => (await relays(near)).length === 0, "it is forgotten");
});

test("what is pulled on demand may be pushed on, and the push alone is no demand", async (t) => {
  const far = await server(t);
  const third = await server(t);
  const near = await server(
    t,
    ...["--relay.allow", "127.0.0.1", "--relay.pull_idle", "1000"],
    ...["--relay.pull", `live/cam=${far.url}/whep/live/cam`],
    ...["--relay.push", `live/*=${third.url}/whip/live/[stream]`],
  );
  await film(t, far, "cam");
  const screen = await watch(t, near, "cam");
  const onward = await watch(t, third, "cam");
  await until(() => screen.packets > 30 && onward.packets > 30, "pictures here and there");
  await screen.client.remove();
  await until(() => far.monoport.metrics.value("monoport_sessions") === 1, "the pull ends");
});

test("a far end that offers UDP alone is reached by UDP", async (t) => {
  const far = await server(t, "--rtc_server.protocol", "udp");
  const near = await server(
    t,
    "--relay.push",
    `live/cam=${far.url}/whip/live/copy`,
    "--relay.pull",
    `live/back=${far.url}/whep/live/copy`,
    "--relay.allow",
    "127.0.0.1",
  );
  await film(t, near, "cam");
  const screen = await watch(t, near, "back");
  await until(() => screen.packets > 60, "pictures there and back");
  assert.equal(screen.torn, 0);
  assert.deepEqual(
    (await relays(near)).map(({ kind, state, transport }) => [kind, state, transport]).sort(),
    [
      ["pull", "connected", "udp"],
      ["push", "connected", "udp"],
    ],
  );
});

test("a far end is reached by IPv6, in whatever spelling", async (t) => {
  const far = await server(t, "--listen", "[::1]:0");
  const url = `http://[0:0::1]:${far.port}`;
  const near = await server(
    t,
    ...["--relay.allow", `[::1]:${far.port}`],
    ...["--relay.push", `live/cam=${url}/whip/live/copy`],
    ...["--relay.pull", `live/back=${url}/whep/live/copy`],
  );
  await film(t, near, "cam");
  const screen = await watch(t, near, "back");
  await until(() => screen.packets > 30, "pictures there and back");
});

test("who publishes here goes before a pull that has brought nothing yet", async (t) => {
  const far = await server(t);
  const near = await server(
    t,
    ...["--relay.allow", "127.0.0.1", "--relay.pull", `live/*=${far.url}/whep/live/[stream]`],
  );
  const screen = await watch(t, near, "cam");
  await until(async () => (await relays(near))[0]?.state === "connected", "the pull waits");
  await film(t, near, "cam"); // 409 would fail it
  await until(() => screen.packets > 30, "pictures from here");
  await until(async () => (await relays(near))[0]?.state !== "connected", "the pull has ended");
  assert.equal(near.monoport.metrics.value("monoport_sessions"), 2);
});
