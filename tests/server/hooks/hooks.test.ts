import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { WORDS_MAX } from "../../../server/hooks/hooks.ts";
import { ASKING_PER_ADDRESS, CALLS_AT_A_TIME } from "../../../server/hooks/turns.ts";
import type { ServeOptions } from "../../../server/monoport.ts";
import { recorded } from "../../core/wire/sdp/recorded.ts";
import { post, type Running, raw, start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { type Encoder, openEncoder } from "../rtmp/encoder.ts";
import { CLIENT_HOOKS, type HookServer, hookServer } from "./hook_server.ts";

const PUBLISH = recorded("chromium_publish_h264");
const PLAY = recorded("chromium_play");

async function running(
  t: TestContext,
  args: readonly string[],
  more: Partial<ServeOptions> & { readonly onLine?: (line: string) => void } = {},
): Promise<Running> {
  const server = await start(args, more);
  t.after(() => server.monoport.close());
  return server;
}

async function encoder(t: TestContext, { port }: Running): Promise<Encoder> {
  const one = await openEncoder(port);
  t.after(() => one.close());
  return one;
}

/** The members of SRS 7.0.18's bodies, recorded by an RTMP and an HTTP client. */
const FACTS = ["server_id", "service_id", "action", "client_id", "ip", "vhost", "app"];
const STREAM = [...FACTS, "tcUrl", "stream", "param", "stream_url", "stream_id"];
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  on_connect: [...FACTS, "stream", "param", "tcUrl", "pageUrl"],
  on_close: [...FACTS, "send_bytes", "recv_bytes"],
  on_publish: STREAM,
  on_unpublish: STREAM,
  on_play: [...STREAM, "pageUrl"],
  on_stop: STREAM,
};

/** Every member that SRS sends is there. */
function sameMembers(hooks: HookServer): void {
  for (const { body } of hooks.calls) {
    const missing = MEMBERS[body.action]?.filter((member) => !(member in body));
    assert.deepEqual(missing, [], body.action);
  }
}

test("WHIP: on_connect and on_publish are asked in turn, on_unpublish and on_close told, all of one client", async (t) => {
  const hooks = await hookServer(t);
  const server = await running(t, hooks.settings(...CLIENT_HOOKS));
  const made = await post(`${server.url}/rtc/v1/whip/?app=live&stream=a&secret=x`, PUBLISH, {
    authorization: "Bearer abc",
    referer: "http://pages.example/",
  });
  assert.equal(made.status, 201, await made.text());
  assert.deepEqual(hooks.actions, ["on_connect", "on_publish"]);
  const { body, headers, path } = hooks.of("on_publish")[0]!;
  assert.equal(path, "/on_publish");
  assert.equal(headers["content-type"], "application/json");
  assert.match(String(headers["user-agent"]), /^Monoport\//);
  const { server_id, service_id, client_id, stream_id, ...told } = body;
  assert.deepEqual(told, {
    action: "on_publish",
    ip: "127.0.0.1",
    vhost: "__defaultVhost__",
    app: "live",
    tcUrl: "",
    stream: "a",
    param: "app=live&stream=a&secret=x",
    pageUrl: "http://pages.example/",
    token: "abc",
    stream_url: "/live/a",
  });
  const api = (await (await fetch(`${server.url}/api/v1/clients/`)).json()) as {
    server: string;
    service: string;
    clients: { id: string; stream: string }[];
  };
  assert.deepEqual([server_id, service_id], [api.server, api.service]);
  assert.deepEqual([client_id, stream_id], [api.clients[0]?.id, api.clients[0]?.stream]);

  const ended = await fetch(server.url + made.headers.get("location"), {
    method: "DELETE",
    headers: { authorization: "Bearer abc" },
  });
  assert.equal(ended.status, 200);
  await until(() => hooks.calls.length === 4, "on_unpublish and on_close");
  assert.deepEqual(hooks.actions.slice(2).sort(), ["on_close", "on_unpublish"]);
  for (const call of hooks.calls) assert.equal(call.body.client_id, client_id);
});

test("WHEP, SRS's JSON, HTTP-FLV and HLS: on_play and on_stop with what SRS tells of each", async (t) => {
  const hooks = await hookServer(t);
  const server = await running(t, hooks.settings("on_play", "on_stop"));
  const whep = await post(`${server.url}/rtc/v1/whep/?app=live&stream=a&token=t`, PLAY);
  assert.equal(whep.status, 201);
  const json = await fetch(`${server.url}/rtc/v1/play/`, {
    method: "POST",
    body: JSON.stringify({ sdp: PLAY, streamurl: "webrtc://example/live/b?k=1" }),
  });
  assert.equal(((await json.json()) as { code: number }).code, 0);
  const leaves = new AbortController();
  const flv = await fetch(`${server.url}/live/c.flv?has_video=false`, leaves);
  assert.equal(flv.status, 200);
  const hls = fetch(`${server.url}/live/d.m3u8?k=2`, leaves).catch(() => {});
  await until(() => hooks.calls.length === 4, "four viewers");
  assert.deepEqual(
    hooks.calls.map(({ body }) => [body.stream, body.param, body.tcUrl, body.stream_url]),
    [
      ["a", "app=live&stream=a&token=t", "", "/live/a"],
      ["b", "k=1", "", "/live/b"],
      ["c", "?has_video=false", "rtmp://__defaultVhost__/live", "/live/c"],
      ["d.m3u8", "?k=2", `http://127.0.0.1:${server.port}/live`, "/live/d"],
    ],
  );
  leaves.abort();
  await hls;
  await until(() => hooks.of("on_stop").length === 1, "the FLV viewer has left");
  assert.equal(hooks.of("on_stop")[0]?.body.stream, "c");
  await server.monoport.close(); // tells of the others before it ends
  assert.deepEqual(
    hooks
      .of("on_stop")
      .map(({ body }) => body.stream)
      .sort(),
    ["a", "b", "c", "d.m3u8"],
  );
});

test("an HLS viewer who reloads is asked for once, also while the hook thinks", async (t) => {
  const hooks = await hookServer(t);
  const server = await running(t, hooks.settings("on_play"));
  const leaves = new AbortController();
  hooks.answer = (_, response) => setTimeout(() => response.end("0"), 100);
  const reload = (): Promise<unknown> => fetch(`${server.url}/live/a.m3u8`, leaves).catch(() => {});
  const asked = [reload(), reload()];
  await until(() => hooks.calls.length > 0, "on_play");
  setTimeout(() => asked.push(reload()), 200);
  setTimeout(() => leaves.abort(), 400);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await Promise.all(asked);
  assert.equal(hooks.calls.length, 1);
});

test("RTMP: param begins with a question mark, tcUrl is the client's; deleteStream is on_unpublish", async (t) => {
  const hooks = await hookServer(t);
  const server = await running(t, hooks.settings(...CLIENT_HOOKS));
  const from = await encoder(t, server);
  const connect = new Map([
    ["app", "live"],
    ["tcUrl", "rtmp://127.0.0.1:1935/live"],
  ]);
  from.command("connect", connect);
  from.command("createStream", null);
  from.command("publish", null, "a?secret=xx", "live");
  await until(() => from.words.includes("NetStream.Publish.Start"), "publishing");
  const { param, tcUrl } = hooks.of("on_publish")[0]!.body;
  assert.deepEqual([param, tcUrl], ["?secret=xx", "rtmp://127.0.0.1:1935/live"]);
  from.command("deleteStream", null, 1);
  await until(() => hooks.actions.includes("on_close"), "on_close");
  assert.equal(hooks.of("on_unpublish").length, 1);
  assert.ok(hooks.of("on_close")[0]!.body.recv_bytes > 3000, "the handshake alone is more");

  const watching = await encoder(t, server);
  watching.command("connect", connect);
  watching.command("createStream", null);
  watching.command("play", null, "a");
  await until(() => watching.words.includes("NetStream.Play.Start"), "playing");
  watching.close();
  await until(() => hooks.actions.includes("on_stop"), "on_stop");
  assert.equal(hooks.of("on_stop")[0]?.body.client_id, hooks.of("on_play")[0]?.body.client_id);
  await until(() => hooks.of("on_close").length === 2, "on_close");
  assert.deepEqual(new Set(hooks.actions), new Set(CLIENT_HOOKS));
  sameMembers(hooks);
});

test("a refusal is 403 before anything is made, by each way the refusal of its protocol", async (t) => {
  const hooks = await hookServer(t);
  const server = await running(t, hooks.settings(...CLIENT_HOOKS));
  hooks.answer = ({ body }, response) =>
    response.end(body.action === "on_connect" ? "0" : '{"code":1}');
  for (const [way, offer] of [
    ["whip", PUBLISH],
    ["whep", PLAY],
  ] as const) {
    const refused = await post(`${server.url}/${way}/live/a`, offer);
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /^The hook on_(publish|play) refused$/m);
  }
  const json = await fetch(`${server.url}/rtc/v1/play/`, {
    method: "POST",
    body: JSON.stringify({ sdp: PLAY, streamurl: "webrtc://example/live/b" }),
  });
  assert.equal(((await json.json()) as { code: number }).code, 400);
  for (const path of ["a.flv", "a.m3u8"])
    assert.equal((await fetch(`${server.url}/live/${path}`)).status, 403, path);
  const from = await encoder(t, server);
  from.publish("a");
  await until(() => from.closed, "the connection is closed");
  assert.ok(from.words.includes("NetStream.Publish.Denied"));

  await until(() => hooks.of("on_close").length === 6, "all have left");
  assert.deepEqual(hooks.of("on_stop"), []);
  assert.deepEqual(hooks.of("on_unpublish"), []);
  const streams = (await (await fetch(`${server.url}/api/v1/streams/`)).json()) as {
    streams: unknown[];
  };
  assert.deepEqual(streams.streams, []);
});

test("who is refused by on_connect is not asked for further, and nobody is told that he left", async (t) => {
  const hooks = await hookServer(t);
  const server = await running(t, hooks.settings(...CLIENT_HOOKS));
  hooks.answer = (_, response) => response.end("1");
  for (const [way, offer] of [
    ["whip", PUBLISH],
    ["whep", PLAY],
  ] as const)
    assert.equal((await post(`${server.url}/${way}/live/a`, offer)).status, 403);
  await server.monoport.close();
  assert.deepEqual(hooks.actions, ["on_connect", "on_connect"]);
});

test("a query of more than WORDS_MAX characters is refused before any hook is asked", async (t) => {
  const hooks = await hookServer(t);
  const server = await running(t, hooks.settings("on_play"));
  const query = (length: number): string => `${server.url}/whep/live/a?q=${"x".repeat(length - 2)}`;
  assert.equal((await post(query(WORDS_MAX), PLAY)).status, 201);
  assert.equal((await post(query(WORDS_MAX + 1), PLAY)).status, 403);
  assert.equal(hooks.calls.length, 1);
});

test("every URL of a hook must say yes, and admission of the program comes before them", async (t) => {
  const hooks = await hookServer(t);
  const urls = `${hooks.url("one")} ${hooks.url("two")}`;
  const server = await running(
    t,
    ["--vhost.http_hooks.enabled", "on", "--vhost.http_hooks.on_play", urls],
    {
      admit: ({ stream }) =>
        stream === "closed" ? { admitted: false, status: 401, reason: "no" } : { admitted: true },
    },
  );
  hooks.answer = ({ path }, response) => response.end(path === "/one" ? "0" : "1");
  const play = async (stream: string): Promise<number> =>
    (await post(`${server.url}/whep/live/${stream}`, PLAY)).status;
  assert.equal(await play("closed"), 401);
  assert.deepEqual(hooks.calls, []);
  assert.equal(await play("a"), 403);
  assert.deepEqual(
    hooks.calls.map(({ path }) => path),
    ["/one", "/two"],
  );
  hooks.answer = (_, response) => response.end("1");
  assert.equal(await play("a"), 403);
  assert.equal(hooks.calls.length, 3, "nobody is asked after the first refusal");
});

test("a publisher of a stream that is taken gets no on_unpublish: the stream goes on", async (t) => {
  const hooks = await hookServer(t);
  const server = await running(t, hooks.settings("on_unpublish", "on_close"));
  const first = await encoder(t, server);
  first.publish("a");
  await until(() => first.words.includes("NetStream.Publish.Start"), "publishing");
  first.sendConfiguration();
  first.sendPicture(0, true);
  await until(async () => {
    const text = await (await fetch(`${server.url}/api/v1/streams/`)).text();
    return /"frames":[1-9]/.test(text);
  }, "live media");
  const busy = await post(`${server.url}/whip/live/a`, PUBLISH);
  assert.equal(busy.status, 409);
  await until(() => hooks.calls.length > 0, "on_close");
  assert.deepEqual(hooks.actions, ["on_close"]);
});

test("without a usable answer in time nobody is let in: 503, in log and metrics, and other streams go on", async (t) => {
  const hooks = await hookServer(t);
  const lines: string[] = [];
  const server = await running(
    t,
    [...hooks.settings("on_publish"), "--vhost.http_hooks.timeout", "3000", "--log.level", "warn"],
    { onLine: (line) => lines.push(line) },
  );
  hooks.answer = () => {}; // hangs
  let answered = false;
  const hung = post(`${server.url}/whip/live/a`, PUBLISH);
  hung.finally(() => {
    answered = true;
  });
  const playing = await post(`${server.url}/whep/live/b`, PLAY);
  assert.equal(playing.status, 201);
  assert.ok(!answered, "who plays does not wait for a publisher's hook");
  const answer = await hung;
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get("retry-after"), "3");
  assert.match(await answer.text(), /on_publish could not be asked/);
  assert.equal(server.monoport.metrics.value("monoport_hooks_total", "on_publish/failed"), 1);
  assert.match(lines.join("\n"), /A hook failed hook=on_publish .*did not answer in time/);
});

test("while too many of one address wait for a hook, the next one is refused at once", async (t) => {
  const hooks = await hookServer(t);
  const server = await running(t, hooks.settings("on_play"));
  hooks.answer = () => {}; // hangs
  for (let i = 0; i < ASKING_PER_ADDRESS; i++) {
    const request = `GET /live/a.m3u8 HTTP/1.1\r\nHost: a\r\nUser-Agent: ${i}\r\n\r\n`;
    raw(server.port, request).catch(() => {});
  }
  const { metrics } = server.monoport;
  const all = () => metrics.value("monoport_hooks_waiting") === ASKING_PER_ADDRESS;
  await until(all, "all are asked for");
  assert.equal((await post(`${server.url}/whep/live/a`, PLAY)).status, 503);
  assert.ok(hooks.calls.length <= CALLS_AT_A_TIME);
});

test("a hook that is gone fails closed, and what is told to it is dropped", async (t) => {
  const hooks = await hookServer(t);
  const server = await running(t, hooks.settings("on_publish", "on_stop"));
  hooks.close();
  assert.equal((await post(`${server.url}/whip/live/a`, PUBLISH)).status, 503);
  const playing = await post(`${server.url}/whep/live/b`, PLAY);
  await fetch(server.url + playing.headers.get("location"), { method: "DELETE" });
  const failed = () => server.monoport.metrics.value("monoport_hooks_total", "on_stop/failed");
  await until(() => failed() === 1, "on_stop failed");
});

test("hooks are off unless vhost.http_hooks.enabled is on; their URLs are not told with their queries", async (t) => {
  const hooks = await hookServer(t);
  const args = hooks.settings("on_play").slice(2);
  const server = await running(t, args);
  assert.equal((await post(`${server.url}/whep/live/a`, PLAY)).status, 201);
  assert.deepEqual(hooks.calls, []);
  const wrong = ["--vhost.http_hooks.on_play", "ftp://example/?key=hunter2"];
  await assert.rejects(start(wrong), (error: Error) => {
    assert.match(error.message, /http:\/\/ or https:\/\/ URLs/);
    return !error.message.includes("hunter2");
  });
});

test("one address makes hooks be asked limits.requests_per_second times, however it asks; then it is 429", {
  timeout: 60_000,
}, async (t) => {
  const hooks = await hookServer(t);
  hooks.answer = (_, response) => response.end('{"code":1}');
  const server = await running(t, [
    ...hooks.settings("on_play"),
    ...["--limits.requests_per_second", "1", "--limits.requests_burst", "20"],
    ...["--trusted_proxies", "127.0.0.1"],
  ]);
  const ask = async (i: number, address: string): Promise<Response> => {
    const headers = { "x-forwarded-for": address };
    const path = [`/live/a.flv?t=${i}`, `/live/a.m3u8?t=${i}`][i % 2];
    const answer = await fetch(server.url + path, { headers });
    await answer.text();
    return answer;
  };
  const begun = performance.now();
  const refused: Response[] = [];
  for (let i = 0; i < 60; i++) {
    const answer = await ask(i, "192.0.2.1");
    if (answer.status === 429) refused.push(answer);
    else assert.equal(answer.status, 403);
  }
  const seconds = Math.ceil((performance.now() - begun) / 1000);
  const asked = hooks.of("on_play").length;
  assert.ok(asked >= 20 && asked <= 20 + seconds, `${asked} calls in ${seconds} s`);
  assert.equal(refused.length, 60 - asked);
  assert.ok(refused.every(({ headers }) => Number(headers.get("retry-after")) > 0));
  assert.equal((await ask(0, "192.0.2.2")).status, 403);
});
