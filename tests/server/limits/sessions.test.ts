import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { Sessions } from "../../../server/limits/sessions.ts";
import { recorded } from "../../core/wire/sdp/recorded.ts";
import { post, type Running, start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { type Encoder, openEncoder } from "../rtmp/encoder.ts";

const PLAY = recorded("chromium_play");
const ALL = "monoport_sessions_all";

async function running(t: TestContext, ...args: string[]): Promise<Running> {
  const server = await start(args);
  t.after(() => server.monoport.close());
  return server;
}

function limits(all: number, perAddress: number, streams: number): Sessions {
  return new Sessions({
    "limits.sessions": all,
    "limits.sessions_per_address": perAddress,
    "limits.streams_per_address": streams,
  });
}

test("sessions end in all, by address and by the streams of an address, and who leaves makes room once", () => {
  const sessions = limits(5, 3, 2);
  const first = sessions.begin("2001:db8::1", "live/a", "play");
  sessions.begin("2001:db8::2", "live/b", "play");
  assert.equal(sessions.refusal("2001:db8::3", "live/a"), undefined);
  assert.match(sessions.refusal("2001:db8::3", "live/c")?.message ?? "", /streams_per_address/);
  const third = sessions.begin("2001:db8::3", "live/b", "play");
  assert.match(sessions.refusal("2001:db8::1", "live/a")?.message ?? "", /sessions_per_address/);
  assert.equal(sessions.refusal("192.0.2.1", "live/c"), undefined);
  sessions.begin("192.0.2.1", "live/c", "play");
  sessions.begin("192.0.2.1", "live/c", "play");
  assert.deepEqual(sessions.refusal("192.0.2.2", "live/c"), {
    status: 503,
    message: "Too many sessions (limits.sessions)",
  });
  for (let i = 0; i < 2; i++) first[Symbol.dispose]();
  assert.equal(sessions.size, 4);
  assert.equal(sessions.refusal("2001:db8::1", "live/c"), undefined, "live/a has nobody now");
  third[Symbol.dispose]();
  assert.match(sessions.refusal("192.0.2.1", "live/d")?.message ?? "none", /^none$/);
});

test("those who play a stream are told by address, each once, and publishers are not", () => {
  const sessions = limits(9, 9, 9);
  const [first, second] = [1, 2].map(() => sessions.begin("192.0.2.1", "live/a", "play"));
  sessions.begin("192.0.2.2", "live/a", "publish");
  sessions.begin("192.0.2.3", "live/b", "play");
  assert.deepEqual([...sessions.watching("live/a")], ["192.0.2.1"]);
  first?.[Symbol.dispose]();
  assert.deepEqual([...sessions.watching("live/a")], ["192.0.2.1"]);
  second?.[Symbol.dispose]();
  assert.deepEqual([...sessions.watching("live/a")], []);
});

async function publishing(t: TestContext, server: Running, stream: string): Promise<Encoder> {
  const one = await openEncoder(server.port);
  t.after(() => one.close());
  one.publish(stream);
  await until(() => one.words.some((word) => word.startsWith("NetStream.Publish")), "an answer");
  return one;
}

/** A viewer by HTTP-FLV, who is one when he has his answer. */
async function watching(t: TestContext, server: Running, stream: string): Promise<Socket> {
  const socket = connect(server.port, "127.0.0.1");
  t.after(() => void socket.destroy());
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  socket.on("error", () => {});
  socket.write(`GET /live/${stream}.flv HTTP/1.1\r\nHost: a\r\n\r\n`);
  await until(() => answer.includes("\r\n\r\n"), "an answer");
  assert.match(answer, /^HTTP\/1\.1 200 /);
  return socket;
}

test("limits.sessions counts WebRTC, RTMP and FLV as one, and /readyz tells of it", async (t) => {
  const server = await running(t, "--limits.sessions", "3");
  const all = (): number => server.monoport.metrics.value(ALL);
  const encoder = await publishing(t, server, "a");
  const viewer = await watching(t, server, "a");
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  assert.equal((await post(`${server.url}/whep/live/a`, PLAY)).status, 201);
  assert.equal(all(), 3);
  const full = await fetch(`${server.url}/readyz`);
  assert.equal(full.status, 503);
  assert.equal(await full.text(), "full: 3 of 3 (limits.sessions)\n");
  assert.equal((await post(`${server.url}/whep/live/a`, PLAY)).status, 503);
  const flv = await fetch(`${server.url}/live/a.flv`);
  assert.equal(flv.status, 503);
  assert.match(await flv.text(), /limits\.sessions/);
  const refused = await publishing(t, server, "b");
  assert.deepEqual(refused.words.at(-1), "NetStream.Publish.Denied");
  const player = await openEncoder(server.port);
  t.after(() => player.close());
  player.command("connect", new Map([["app", "live"]]));
  player.command("createStream", null);
  player.command("play", null, "a");
  await until(() => player.words.includes("NetStream.Play.Failed"), "he is refused");
  viewer.destroy();
  encoder.close();
  await until(() => all() === 1, "both have left");
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
});

test("one address has limits.sessions_per_address of them, whatever they go by", async (t) => {
  const server = await running(t, "--limits.sessions_per_address", "2");
  await publishing(t, server, "a");
  await watching(t, server, "a");
  const whep = await post(`${server.url}/whep/live/a`, PLAY);
  assert.equal(whep.status, 429);
  assert.match(await whep.text(), /limits\.sessions_per_address/);
  assert.equal((await fetch(`${server.url}/live/a.flv`)).status, 429);
});

test("deleteStream gives the place of a publisher back while his connection stays", async (t) => {
  const server = await running(t);
  const encoder = await publishing(t, server, "a");
  assert.equal(server.monoport.metrics.value(ALL), 1);
  encoder.command("deleteStream", null, 1);
  await until(() => server.monoport.metrics.value(ALL) === 0, "he has given it back");
  assert.equal(encoder.closed, false);
});
