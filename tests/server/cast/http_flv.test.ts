import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import type { Admission } from "../../../server/admit.ts";
import type { ServeOptions } from "../../../server/monoport.ts";
import { type Running, raw, start } from "../fixture.ts";
import { sleep, until } from "../rtc/client.ts";
import { type Encoder, openEncoder } from "../rtmp/encoder.ts";

async function running(
  t: TestContext,
  args: readonly string[] = [],
  more: Partial<ServeOptions> = {},
): Promise<Running> {
  const server = await start(["--vhost.play.mw_latency", "20", ...args], more);
  t.after(() => server.monoport.close());
  return server;
}

/** A publisher of pictures alone: viewers are let in 2 s after the first. */
async function publishing(
  t: TestContext,
  server: Running,
  stream: string,
  keyframeBytes = 100,
): Promise<Encoder> {
  const from = await openEncoder(server.port);
  t.after(() => from.close());
  from.publish(stream);
  await until(() => from.words.includes("NetStream.Publish.Start"), "publishing");
  from.sendConfiguration();
  let time = 0;
  const timer = setInterval(() => {
    from.sendPicture(time, time % 80 === 0, time % 80 === 0 ? keyframeBytes : 100);
    time += 40;
  }, 40);
  t.after(() => clearInterval(timer));
  return from;
}

/** Reads a body until `bytes` have come. */
async function take(response: Response, bytes: number): Promise<Buffer> {
  const reader = response.body!.getReader();
  const parts: Uint8Array[] = [];
  for (let size = 0; size < bytes; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
  }
  await reader.cancel();
  return Buffer.concat(parts);
}

interface ClientJson {
  id: string;
  type: string;
  publish: boolean;
}

async function clients({ url }: Running): Promise<ClientJson[]> {
  const { clients } = (await (await fetch(`${url}/api/v1/clients/`)).json()) as {
    clients: ClientJson[];
  };
  return clients;
}

test("GET of a stream's .flv is an endless chunked answer with CORS, and a client of type flv-play", async (t) => {
  const server = await running(t);
  await publishing(t, server, "r");
  const abort = new AbortController();
  t.after(() => abort.abort());
  const response = await fetch(`${server.url}/live/r.flv`, { signal: abort.signal });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "video/x-flv");
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  const [viewer] = (await clients(server)).filter(({ publish }) => !publish);
  assert.equal(viewer?.type, "flv-play");
  const bytes = await take(response, 3000);
  assert.deepEqual([...bytes.subarray(0, 5)], [0x46, 0x4c, 0x56, 1, 1]);
  await until(async () => (await clients(server)).length === 1, "he is gone");
});

test("HEAD has no body; HTTP/1.0 gets tags without chunks", async (t) => {
  const server = await running(t);
  await publishing(t, server, "r");
  const head = await raw(server.port, "HEAD /live/r.flv HTTP/1.1\r\nhost: x\r\n\r\n");
  assert.match(head, /^HTTP\/1\.1 200 .*video\/x-flv.*\r\n\r\n$/s);
  const old = raw(server.port, "GET /live/r.flv HTTP/1.0\r\n\r\n");
  await until(() => server.monoport.metrics.value("monoport_flv_sent_bytes_total") > 0, "sent");
  const id = (await clients(server)).find(({ publish }) => !publish)?.id;
  await fetch(`${server.url}/api/v1/clients/${id}`, { method: "DELETE" });
  assert.match(await old, /\r\n\r\nFLV/);
  assert.doesNotMatch(await old, /transfer-encoding/i);
});

test("WS-FLV: an upgrade of the same path brings the same tags in binary messages", async (t) => {
  const server = await running(t);
  await publishing(t, server, "r");
  const messages = await binaryMessages(t, server.port, "/live/r.flv");
  await until(() => messages.length >= 5, "messages");
  assert.equal(
    Buffer.from(messages[0] ?? [])
      .subarray(0, 3)
      .toString(),
    "FLV",
  );
  assert.equal(messages[4]?.[0], 9);
  assert.ok((await clients(server)).some(({ type }) => type === "flv-play"));
});

test("bad names are 404, bad sound 400, refused admission 401, and too many 503", async (t) => {
  const asked: Admission[] = [];
  const admit = (wanted: Admission): ReturnType<NonNullable<ServeOptions["admit"]>> => {
    asked.push(wanted);
    return wanted.token === "good"
      ? { admitted: true }
      : { admitted: false, status: 401, reason: "a good token, please" };
  };
  const server = await running(t, ["--limits.waiting_viewers", "1"], { admit });
  const status = async (path: string): Promise<number> => {
    const abort = new AbortController();
    t.after(() => abort.abort());
    return (await fetch(`${server.url}${path}`, { signal: abort.signal })).status;
  };
  assert.equal(await status("/live/.hidden.flv"), 404);
  assert.equal(await status("/live/r.flv?audio=mp3"), 400);
  assert.equal(await status("/live/r.flv?token=bad"), 401);
  assert.equal(await status("/live/r.flv?token=good"), 200);
  assert.equal(await status("/live/r.flv?token=good"), 503);
  assert.deepEqual(
    asked.map(({ action, app, stream }) => `${action} ${app}/${stream}`),
    ["play live/r", "play live/r"],
  );
  const off = await running(t, ["--vhost.http_remux.enabled", "off"]);
  assert.equal((await fetch(`${off.url}/live/r.flv`)).status, 404);
});

test("a viewer who takes nothing costs no more than the queue, and the others nothing", {
  timeout: 120_000,
}, async (t) => {
  const server = await running(t, ["--vhost.play.queue_length", "1"]);
  await publishing(t, server, "r", 800_000);
  const lame = connect(server.port, "127.0.0.1");
  t.after(() => void lame.destroy());
  lame.write("GET /live/r.flv HTTP/1.1\r\nhost: x\r\n\r\n");
  lame.pause();
  await until(
    () => server.monoport.metrics.value("monoport_flv_dropped_frames_total") > 20,
    "frames are dropped",
    60_000,
  );
  assert.ok(server.monoport.metrics.value("monoport_flv_kept_bytes") <= 32 * 1024 * 1024);
  const good = await fetch(`${server.url}/live/r.flv`);
  assert.ok((await take(good, 1_000_000)).length >= 1_000_000);
});

test("draining refuses new viewers and ends those there are with a whole body", async (t) => {
  const server = await running(t, ["--drain.grace", "1"]);
  await publishing(t, server, "r");
  const response = await fetch(`${server.url}/live/r.flv`);
  const whole = response.arrayBuffer();
  await sleep(200);
  const drained = server.monoport.drain();
  assert.equal((await fetch(`${server.url}/live/r.flv`)).status, 503);
  assert.ok((await whole).byteLength >= 0);
  await drained;
});

/** What comes by WebSocket, made by hand: Node 20 has none of its own. */
async function binaryMessages(t: TestContext, port: number, path: string): Promise<Uint8Array[]> {
  const messages: Uint8Array[] = [];
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  let read = Buffer.alloc(0);
  let open = false;
  socket.on("data", (chunk: Buffer) => {
    read = Buffer.concat([read, chunk]);
    const head = read.indexOf("\r\n\r\n");
    if (!open && head >= 0) {
      assert.match(read.toString("latin1"), /^HTTP\/1\.1 101 /);
      read = read.subarray(head + 4);
      open = true;
    }
    for (let size = open ? frameEnd(read) : 0; size > 0; size = frameEnd(read)) {
      messages.push(new Uint8Array(read.subarray(payloadAt(read), size)));
      read = read.subarray(size);
    }
  });
  return messages;
}

/** Where the payload of the frame in front begins (RFC 6455 §5.2). */
function payloadAt(read: Buffer): number {
  const short = read[1] ?? 0;
  return short < 126 ? 2 : short === 126 ? 4 : 10;
}

/** Where the frame in front ends, 0 when it is not whole or the server's goodbye. */
function frameEnd(read: Buffer): number {
  if (read.length < 10 || read[0] === 0x88) return 0;
  assert.equal(read[0], 0x82); // FIN, binary
  const at = payloadAt(read);
  const size =
    at === 2 ? (read[1] ?? 0) : at === 4 ? read.readUInt16BE(2) : Number(read.readBigUInt64BE(2));
  return read.length < at + size ? 0 : at + size;
}
