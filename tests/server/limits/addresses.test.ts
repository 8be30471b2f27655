import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { recorded } from "../../core/wire/sdp/recorded.ts";
import { post, type Running, start } from "../fixture.ts";
import { publish } from "../rtc/client.ts";
import { openTls } from "../tls_client.ts";

const PLAY = recorded("chromium_play");

async function running(t: TestContext, ...args: string[]): Promise<Running> {
  const server = await start(args);
  t.after(() => server.monoport.close());
  return server;
}

/** The status of an offer to play, sent by the proxy on this machine for a client. */
async function play(server: Running, stream: string, client = "198.51.100.7"): Promise<string> {
  const answer = await post(`${server.url}/whep/live/${stream}`, PLAY, {
    "x-forwarded-for": client,
  });
  return `${answer.status} ${answer.status === 201 ? "" : await answer.text()}`.trim();
}

const BEHIND_PROXY = ["--trusted_proxies", "127.0.0.1"];

test("an address that has limits.sessions_per_address gets 429, and another does not", async (t) => {
  const server = await running(t, ...BEHIND_PROXY, "--limits.sessions_per_address", "3");
  for (let i = 0; i < 3; i++) assert.equal(await play(server, "a"), "201");
  assert.match(await play(server, "a"), /^429 .*limits\.sessions_per_address/);
  assert.equal(await play(server, "a", "198.51.100.8"), "201");
  assert.equal(server.monoport.metrics.value("monoport_sessions_refused_total", "429"), 1);
});

test("a refusal by limits.* tells when to come again", async (t) => {
  const server = await running(t, "--limits.sessions_per_address", "1");
  await post(`${server.url}/whep/live/a`, PLAY);
  const answer = await post(`${server.url}/whep/live/a`, PLAY);
  assert.equal(answer.status, 429);
  assert.ok(Number(answer.headers.get("retry-after")) > 0);
});

test("sessions that no connection came for are bound by limits.unconnected_sessions_per_address", async (t) => {
  const server = await running(t, "--limits.unconnected_sessions_per_address", "2");
  const client = await publish(server, { stream: "mine" });
  t.after(() => client.close());
  await client.connect();
  for (const expected of [201, 201, 429]) {
    assert.equal((await post(`${server.url}/whep/live/mine`, PLAY)).status, expected);
  }
  const ended = await post(`${server.url}/whep/live/mine`, PLAY);
  assert.match(await ended.text(), /limits\.unconnected_sessions_per_address/);
});

test("one address is for so many streams at a time: limits.streams_per_address", async (t) => {
  const server = await running(t, ...BEHIND_PROXY, "--limits.streams_per_address", "2");
  assert.equal(await play(server, "one"), "201");
  assert.equal(await play(server, "two"), "201");
  assert.equal(await play(server, "two"), "201");
  assert.match(await play(server, "three"), /^429 .*limits\.streams_per_address/);
  assert.equal(await play(server, "three", "198.51.100.8"), "201");
});

test("heads that do not end count as limits.unproven_bytes, a quarter of it for one address", async (t) => {
  const server = await running(t, "--limits.unproven_bytes", "65536");
  const begun = `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(6000)}`;
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const open = async (): Promise<Socket> => {
    const socket = connect(server.port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(begun);
    return socket;
  };
  const first = await open();
  await open();
  const third = await open(); // 18 KB, and a quarter is 16
  if (!third.destroyed) await once(third, "close");
  assert.equal(first.destroyed, false);
  const answered = once(first, "data");
  first.write("\r\n\r\n");
  assert.match(String((await answered)[0]), /^HTTP\/1\.1 200 /);
});

test("TLS handshakes beyond limits.tls_handshakes_per_second are refused before a signature", async (t) => {
  const server = await running(
    t,
    "--http_api.https.enabled",
    "on",
    "--limits.tls_handshakes_per_second",
    "1",
  );
  const begun = Date.now();
  const outcomes: boolean[] = [];
  for (let i = 0; i < 8; i++) {
    const socket = await openTls(server.port).catch(() => undefined);
    outcomes.push(socket !== undefined);
    socket?.destroy();
  }
  const seconds = Math.ceil((Date.now() - begun) / 1000);
  const done = outcomes.filter(Boolean).length;
  assert.ok(done >= 4 && done <= 4 + seconds, `${done} handshakes in ${seconds} s`);
  assert.equal(
    server.monoport.metrics.value("monoport_tls_handshakes_failed_total", "rate"),
    8 - done,
  );
});

test("bodies that do not end count as well: the one that is too many is 503", async (t) => {
  const server = await running(t, "--limits.unproven_bytes", "65536");
  const sockets = [0, 1].map(() => connect(server.port, "127.0.0.1"));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const [first, second] = sockets as [Socket, Socket];
  const head =
    "POST /whep/live/a HTTP/1.1\r\nHost: a\r\nContent-Type: application/sdp\r\nContent-Length: 20000\r\n\r\n";
  const answered = once(second, "data");
  first.write(head + "v".repeat(10_000));
  await eventually(() => held(server) >= 10_000);
  second.write(head + "v".repeat(10_000)); // a quarter of 65,536 is 16,384
  assert.match(String((await answered)[0]), /^HTTP\/1\.1 503 [\s\S]*limits\.unproven_bytes/);
  first.destroy();
  await eventually(() => held(server) === 0);
});

function held(server: Running): number {
  return server.monoport.metrics.value("monoport_unproven_bytes");
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 3000 && !holds(); i++) await new Promise((wake) => setTimeout(wake, 10));
  assert.ok(holds());
}
