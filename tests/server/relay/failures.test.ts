import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { waitMillis } from "../../../server/relay/backoff.ts";
import { raw, start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { film, onlyRelay, port, type RelayJson, relays, server, watch } from "./fixture.ts";

const ALLOW = ["--relay.allow", "127.0.0.1"];

/** A far end made by hand; the URL of its port. */
async function fake(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const http = createServer(answer);
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  const at = await port();
  await new Promise<void>((resolve) => http.listen(at, "127.0.0.1", resolve));
  return `http://127.0.0.1:${at}`;
}

/** What becomes of a pull from there. */
async function failed(t: TestContext, url: string, ...args: string[]): Promise<RelayJson> {
  const near = await server(
    t,
    ...ALLOW,
    ...["--relay.pull", `live/cam=${url}/whep`, "--relay.pull_when", "always"],
    ...args,
  );
  await until(async () => (await onlyRelay(near)).error !== "", "it fails");
  // Nothing else is stopped by it.
  assert.match(await raw(near.port, "GET /healthz HTTP/1.0\r\n\r\n"), /ok\n$/);
  return await onlyRelay(near);
}

test("waits are 1 s, then twice as long, 30 s at most, and by half of it random", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 1000].map((failures) => waitMillis(failures, 0)),
    [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000],
  );
  assert.equal(waitMillis(1, 1), 1000);
  assert.equal(waitMillis(9, 1), 30_000);
});

test("a far end that refuses again is asked later each time", async (t) => {
  const url = await fake(t, (_request, response) => {
    response.writeHead(500).end();
  });
  const near = await server(
    t,
    ...ALLOW,
    ...["--relay.pull", `live/cam=${url}/whep`, "--relay.pull_when", "always"],
  );
  let most = 0;
  await until(async () => {
    const [relay] = await relays(near);
    if (relay?.state !== "waiting") return false;
    // 0.5 to 1 s, then twice as long each time, less the time to look.
    assert.ok(relay.retry_ms <= 500 * 2 ** relay.attempts, JSON.stringify(relay));
    most = Math.max(most, relay.retry_ms);
    return most > 1500;
  }, "a wait longer than the first");
  assert.equal((await onlyRelay(near)).error, `${new URL(url).host} refused (500)`);
});

test("a far end that is down is asked again until it is there", async (t) => {
  const at = await port();
  const near = await server(
    t,
    ...ALLOW,
    ...["--relay.push", `live/cam=http://127.0.0.1:${at}/whip/live/cam`],
  );
  await film(t, near, "cam");
  await until(async () => (await relays(near))[0]?.state === "waiting", "it waits");
  const relay = await onlyRelay(near);
  assert.match(relay.error, /^Cannot connect to 127\.0\.0\.1 port \d+: /);
  assert.ok(relay.retry_ms <= 500 * 2 ** relay.attempts, JSON.stringify(relay));
  const far = await server(t, "--listen", `127.0.0.1:${at}`);
  await until(async () => (await onlyRelay(near)).state === "connected", "it is connected");
  assert.equal((await onlyRelay(near)).error, "");
  const screen = await watch(t, far, "cam");
  await until(() => screen.packets > 30, "pictures");
});

test("a far end that starts anew is pulled from again, and the viewer here stays", async (t) => {
  const at = await port();
  const far = await server(t, "--listen", `127.0.0.1:${at}`);
  const near = await server(
    t,
    ...ALLOW,
    ...["--relay.pull", `live/cam=http://127.0.0.1:${at}/whep/live/cam`],
  );
  await film(t, far, "cam");
  const screen = await watch(t, near, "cam");
  await until(() => screen.packets > 30, "pictures");
  await far.monoport.close();
  await until(async () => (await onlyRelay(near)).error !== "", "it is told");
  assert.match((await onlyRelay(near)).error, /^The far end ended the session$/);
  const again = await start(["--listen", `127.0.0.1:${at}`]);
  t.after(() => again.monoport.close());
  await film(t, again, "cam");
  const before = screen.packets;
  await until(() => screen.packets > before + 30, "pictures again, in the same session");
  assert.ok(screen.client.connected);
  assert.equal(screen.badJumps, 0);
});

/** A wire for media between two servers: the sockets of its connections, and its port. */
async function wireTo(t: TestContext, to: number): Promise<{ sockets: Socket[]; port: number }> {
  const sockets: Socket[] = [];
  const wire = createTcpServer((socket) => {
    const onward = connect(to, "127.0.0.1");
    for (const one of [socket, onward]) {
      sockets.push(one);
      one.on("error", () => {});
    }
    socket.pipe(onward).pipe(socket);
    socket.on("close", () => onward.destroy());
    onward.on("close", () => socket.destroy());
  });
  t.after(() => {
    wire.close();
    for (const socket of sockets) socket.destroy();
  });
  const at = await port();
  await new Promise<void>((resolve) => wire.listen(at, "127.0.0.1", resolve));
  return { sockets, port: at };
}

test("a connection that breaks is dialled again, and the session goes on", async (t) => {
  const far = await server(t);
  const { sockets, port: at } = await wireTo(t, far.port);
  const near = await server(
    t,
    ...ALLOW,
    ...["--relay.push", `live/cam=${far.url}/whip/live/cam?candidate=127.0.0.1:${at}`],
  );
  await film(t, near, "cam");
  const screen = await watch(t, far, "cam");
  for (let round = 1; round <= 2; round++) {
    const before = screen.packets;
    await until(() => screen.packets > before + 30, `pictures, round ${round}`);
    for (const socket of sockets.splice(0)) socket.destroy();
  }
  const before = screen.packets;
  await until(() => screen.packets > before + 30, "pictures again");
  const relay = await onlyRelay(near);
  assert.deepEqual([relay.state, relay.attempts], ["connected", 1]);
  assert.equal(far.monoport.metrics.value("monoport_sessions_total", "publish"), 1);
  assert.equal(near.monoport.metrics.value("monoport_relays"), 1);
  assert.deepEqual([screen.torn, screen.badJumps], [0, 0]);
});

test("a far end that takes nothing any more loses frames, and nobody else does", async (t) => {
  const far = await server(t);
  const { sockets, port: at } = await wireTo(t, far.port);
  const near = await server(
    t,
    ...ALLOW,
    ...["--relay.push", `live/cam=${far.url}/whip/live/cam?candidate=127.0.0.1:${at}`],
  );
  await film(t, near, "cam");
  const there = await watch(t, far, "cam");
  const here = await watch(t, near, "cam");
  await until(() => there.packets > 30 && here.packets > 30, "pictures here and there");
  for (const socket of sockets) socket.unpipe().pause();
  const dropped = (): number => near.monoport.metrics.value("monoport_dropped_frames_total");
  await until(() => dropped() > 10, "frames are dropped");
  const before = here.packets;
  await until(() => here.packets > before + 60, "the viewer here goes on");
  assert.deepEqual([here.gaps, here.torn, here.jumps], [0, 0, 0]);
});

test("a counter-offer is a refusal, in its words", async (t) => {
  const url = await fake(t, (_request, response) => {
    response.writeHead(406, { "content-type": "application/sdp" });
    response.end("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\ni=no codec fits\r\nt=0 0\r\n");
  });
  assert.match((await failed(t, url)).error, /refused \(406\): no codec fits$/);
});

test("Retry-After is kept to, in seconds and as a date", async (t) => {
  const date = new Date(Date.now() + 200_000).toUTCString();
  for (const value of ["200", date]) {
    const url = await fake(t, (_request, response) => {
      response.writeHead(503, { "retry-after": value, "content-type": "text/plain" });
      response.end("Too many\x1b[31m sessions\nSecond line");
    });
    const relay = await failed(t, url);
    assert.match(relay.error, /^127\.0\.0\.1:\d+ refused \(503\): Too many\?\[31m sessions$/);
    assert.ok(relay.retry_ms > 150_000 && relay.retry_ms <= 200_000, `${value}: ${relay.retry_ms}`);
  }
});

test("a redirect for ever, to a place that is not listed, or to no URL is not followed", async (t) => {
  const asked = new Set<string>(); // again and again, as time goes on
  const round = await fake(t, (request, response) => {
    asked.add(request.url ?? "");
    response.writeHead(307, { location: `${request.url}x` }).end();
  });
  assert.match((await failed(t, round)).error, /redirects for ever$/);
  assert.equal(asked.size, 6);
  for (const [location, error] of [
    [
      "http://169.254.169.254/latest/meta-data",
      /169\.254\.169\.254:80 is not listed in relay\.allow/,
    ],
    ["http://[::1]:1/", /not listed in relay\.allow/],
    ["file:///etc/passwd", /redirects to file:/],
    ["http://user:secret@127.0.0.1/", /redirects to http:/],
  ] as const) {
    const url = await fake(t, (_request, response) => {
      response.writeHead(308, { location }).end();
    });
    assert.match((await failed(t, url)).error, error);
  }
});

test("a redirect to a listed place is followed, with the token of that place alone", async (t) => {
  const far = await server(t);
  const tokens: (string | undefined)[] = [];
  const last = await fake(t, (request, response) => {
    tokens.push(request.headers.authorization);
    response.writeHead(307, { location: `${far.url}/whip/live/copy` }).end();
  });
  const first = await fake(t, (request, response) => {
    tokens.push(request.headers.authorization);
    response.writeHead(308, { location: `${last}/there` }).end();
  });
  const near = await server(
    t,
    ...ALLOW,
    ...["--relay.push", `live/cam=${first}/whip`],
    ...["--relay.token", `${new URL(first).host}=one ${new URL(last).host}=two`],
  );
  await film(t, near, "cam");
  const screen = await watch(t, far, "copy");
  await until(() => screen.packets > 30, "pictures");
  assert.deepEqual(tokens, ["Bearer one", "Bearer two"]);
});

test("garbage in the place of an answer is an error in words", async (t) => {
  const tcp = async (bytes: string): Promise<string> => {
    const sockets = new Set<Socket>();
    const listener = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("data", () => socket.end(bytes));
    });
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      listener.close();
    });
    const at = await port();
    await new Promise<void>((resolve) => listener.listen(at, "127.0.0.1", resolve));
    return `http://127.0.0.1:${at}`;
  };
  for (const [bytes, error] of [
    ["SSH-2.0-OpenSSH_9.2\r\n\r\n", /it is not HTTP: bad-status-line/],
    ["", /the connection closed before it was whole/],
    ["HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nv=0", /closed before it was whole/],
    ["HTTP/1.1 201 Created\r\n\r\nhello", /answer is no SDP/],
    [`HTTP/1.1 201 Created\r\nx: ${"y".repeat(17_000)}`, /head is too long/],
    [`HTTP/1.1 201 Created\r\n\r\n${"v".repeat(140_000)}`, /more than 131072 bytes/],
    ["HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", /body is wrong/],
  ] as const) {
    assert.match((await failed(t, await tcp(bytes))).error, error);
  }
});

test("an answer that names others' addresses connects us to nobody", async (t) => {
  const far = await server(t);
  let connections = 0;
  const bystander = createTcpServer((socket) => {
    connections++;
    socket.destroy();
  });
  t.after(() => bystander.close());
  const at = await port();
  await new Promise<void>((resolve) => bystander.listen(at, "127.0.0.2", resolve));
  const liar = await fake(t, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = await fetch(`${far.url}/whep/live/cam`, {
      method: "POST",
      headers: { "content-type": "application/sdp" },
      body: Buffer.concat(chunks).toString("utf8"),
    });
    const sdp = await answer.text();
    response.writeHead(201, { "content-type": "application/sdp" });
    response.end(sdp.replaceAll(/127\.0\.0\.1 \d+ typ/g, `127.0.0.2 ${at} typ`));
  });
  const relay = await failed(t, liar);
  assert.match(relay.error, /names tcp 127\.0\.0\.2 port \d+.*, which is not its own address/);
  assert.equal(connections, 0);
});

test("a session is deleted in the end, and the far end may name it relative or absolute", async (t) => {
  for (const absolute of [false, true]) {
    const asked: string[] = [];
    const url: string = await fake(t, (request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ""}`);
      const location = absolute ? `${url}/session/7?k=1` : "../session/7?k=1";
      response.writeHead(201, { location, "content-type": "application/sdp" }).end("v=0\r\n");
    });
    await failed(t, `${url}/a`, "--relay.token", `127.0.0.1=abc`);
    // What cannot be used is given back at once.
    await until(() => asked.length >= 2, "the session is deleted");
    assert.deepEqual(asked.slice(0, 2), [
      "POST /a/whep Bearer abc",
      "DELETE /session/7?k=1 Bearer abc",
    ]);
  }
});
