import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { brokenTimes, readTs } from "../../core/egress/ts/packet_rules.ts";
import { type Running, raw, start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { type Encoder, openEncoder } from "../rtmp/encoder.ts";

const VIDEO = 0x100;
const AUDIO = 0x101;

async function running(t: TestContext, args: readonly string[] = []): Promise<Running> {
  const server = await start(["--vhost.play.mw_latency", "20", ...args]);
  t.after(() => server.monoport.close());
  return server;
}

/** Pictures, a keyframe every 400 ms, and AAC. */
async function publishing(t: TestContext, server: Running, keyframeBytes = 100): Promise<Encoder> {
  const from = await openEncoder(server.port);
  t.after(() => from.close());
  from.publish("r");
  await until(() => from.words.includes("NetStream.Publish.Start"), "publishing");
  from.sendConfiguration();
  from.sendAudio(0, Uint8Array.of(0xaf, 0, 0x11, 0x90));
  let time = 0;
  const begun = performance.now();
  // However late a timer is: times that fall behind the clock by seconds would be taken for a jump.
  const timer = setInterval(() => {
    for (; time <= performance.now() - begun; time += 40) {
      const keyframe = time % 400 === 0;
      from.sendPicture(time, keyframe, keyframe ? keyframeBytes : 100);
      from.sendAudio(time, Uint8Array.of(0xaf, 1, 1, 2, 3, 4));
    }
  }, 40);
  t.after(() => clearInterval(timer));
  return from;
}

/** A viewer by HTTP/1.0, whose body is not in chunks. */
class Viewer {
  readonly socket: Socket;
  size = 0;
  readonly #parts: Buffer[] = [];

  constructor(t: TestContext, { port }: Running, path = "/live/r.ts") {
    this.socket = connect(port, "127.0.0.1");
    t.after(() => void this.socket.destroy());
    this.socket.on("data", (bytes: Buffer) => {
      this.size += bytes.length;
      this.#parts.push(bytes);
    });
    this.socket.on("error", () => {});
    this.socket.write(`GET ${path} HTTP/1.0\r\nHost: x\r\n\r\n`);
  }

  get head(): string {
    return this.#all().toString("latin1").split("\r\n\r\n")[0] ?? "";
  }

  /** Whole packets. */
  get body(): Buffer {
    const all = this.#all();
    const at = all.indexOf("\r\n\r\n") + 4;
    return all.subarray(at, at + Math.max(0, Math.floor((all.length - at) / 188)) * 188);
  }

  #all(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

async function json<T>({ url }: Running, path: string): Promise<T> {
  return (await (await fetch(`${url}/api/v1/${path}`)).json()) as T;
}

test("GET of a stream's .ts is an endless transport stream, which begins with PAT, PMT and a keyframe", async (t) => {
  const server = await running(t);
  await publishing(t, server);
  const viewer = new Viewer(t, server);
  await until(() => viewer.body.length > 188 * 60, "packets");
  assert.match(viewer.head, /^HTTP\/1\.1 200 /);
  assert.match(viewer.head, /content-type: video\/mp2t/i);
  assert.match(viewer.head, /access-control-allow-origin: \*/i);
  assert.deepEqual(brokenTimes(viewer.body), []);
  const { packets, types } = readTs(viewer.body);
  assert.deepEqual([...types.keys()], [VIDEO, AUDIO]);
  assert.ok(packets[0]?.pid === VIDEO && packets[0].randomAccess);
  const { clients } = await json<{ clients: { type: string; format?: string }[] }>(
    server,
    "clients/",
  );
  const [one] = clients.filter(({ type }) => type === "flv-play");
  assert.equal(one?.format, "ts");
  const { streams } = await json<{ streams: { viewers: Record<string, number> }[] }>(
    server,
    "streams/",
  );
  assert.deepEqual([streams[0]?.viewers["ts"], streams[0]?.viewers["flv"]], [1, 0]);
  const { metrics } = server.monoport;
  assert.ok(metrics.value("monoport_ts_sent_bytes_total") >= viewer.body.length);
  assert.equal(metrics.value("monoport_flv_sent_bytes_total"), 0);
});

test("who joins gets packets that are whole, in order and counted, like those of who was there", async (t) => {
  const server = await running(t);
  await publishing(t, server);
  const first = new Viewer(t, server);
  await until(() => first.body.length > 188 * 60, "packets");
  const second = new Viewer(t, server);
  await until(() => second.body.length > 188 * 60, "packets of the other");
  for (const { body } of [first, second]) assert.deepEqual(brokenTimes(body), []);
  const { packets } = readTs(second.body);
  assert.ok(packets[0]?.randomAccess);
  // What both got is the same bytes.
  assert.ok(first.body.includes(second.body.subarray(0, 188 * 20)));
});

test("a viewer who was behind goes on with a keyframe, and every PID tells the discontinuity", {
  timeout: 120_000,
}, async (t) => {
  const server = await running(t, ["--vhost.play.queue_length", "1"]);
  await publishing(t, server, 2_000_000);
  const viewer = new Viewer(t, server);
  await until(() => viewer.body.length > 188 * 60, "packets");
  viewer.socket.pause();
  const { metrics } = server.monoport;
  await until(
    () => metrics.value("monoport_ts_dropped_frames_total") > 20,
    "frames are dropped",
    60_000,
  );
  assert.ok(metrics.value("monoport_ts_kept_bytes") <= 32 * 1024 * 1024);
  viewer.socket.resume();
  const from = viewer.size;
  await until(() => viewer.size > from + 24_000_000, "it goes on", 60_000);
  const { broken, discontinuities } = readTs(viewer.body);
  assert.deepEqual(broken, []);
  for (const pid of [0, 0x1000, VIDEO, AUDIO]) assert.ok(discontinuities.includes(pid), `${pid}`);
});

test("HEAD has no body; chunks and WebSocket messages hold the same packets", async (t) => {
  const server = await running(t);
  await publishing(t, server);
  const head = await raw(server.port, "HEAD /live/r.ts HTTP/1.1\r\nhost: x\r\n\r\n");
  assert.match(head, /^HTTP\/1\.1 200 .*video\/mp2t.*\r\n\r\n$/s);
  const abort = new AbortController();
  t.after(() => abort.abort());
  const response = await fetch(`${server.url}/live/r.ts`, { signal: abort.signal });
  const { value } = await response.body!.getReader().read();
  assert.deepEqual([...value!.subarray(0, 3)], [0x47, 0x40, 0]);
  const socket = connect(server.port, "127.0.0.1");
  t.after(() => void socket.destroy());
  let came = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    came = Buffer.concat([came, bytes]);
  });
  socket.write(
    "GET /live/r.ts HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const message = (): Buffer => came.subarray(came.indexOf("\r\n\r\n") + 4);
  await until(() => came.includes("\r\n\r\n") && message().length > 200, "a message");
  assert.match(came.toString("latin1"), /^HTTP\/1\.1 101 /);
  assert.deepEqual(
    [...message().subarray(0, 2), ...message().subarray(4, 7)],
    [...[0x82, 126], ...[0x47, 0x40, 0]],
  );
});

test("what cannot be had is refused as for FLV; segments of HLS and files are not taken for streams", async (t) => {
  const server = await running(t, ["--limits.waiting_viewers", "1", "--vhost.hls.hls_ts", "on"]);
  const status = async (path: string): Promise<number> => {
    const abort = new AbortController();
    t.after(() => abort.abort());
    return (await fetch(`${server.url}${path}`, { signal: abort.signal })).status;
  };
  assert.equal(await status("/live/.hidden.ts"), 404);
  assert.equal(await status("/live/r.ts?audio=opus"), 400);
  assert.equal(await status("/live/r.aac?audio=opus"), 400);
  assert.equal(await status("/live/r.mp3"), 404);
  assert.equal(await status("/live/r/0123456789ab-1.ts"), 404);
  assert.equal(await status("/live/r.ts"), 200);
  assert.equal(await status("/live/r.flv"), 503, "both wait for the same stream");
  const off = await running(t, ["--vhost.http_remux.enabled", "off"]);
  for (const path of ["/live/r.ts", "/live/r.aac"])
    assert.equal((await fetch(`${off.url}${path}`)).status, 404);
});

test(".aac is the stream's sound in ADTS, from any frame on", async (t) => {
  const server = await running(t);
  await publishing(t, server);
  const listener = new Viewer(t, server, "/live/r.aac");
  await until(() => listener.body.length > 188, "frames");
  assert.match(listener.head, /content-type: audio\/aac/i);
  const frame = "fff14c80017ffc01020304";
  assert.equal(listener.body.toString("hex", 0, 11 * 10), frame.repeat(10));
  const { clients } = await json<{ clients: { format?: string }[] }>(server, "clients/");
  assert.ok(clients.some(({ format }) => format === "aac"));
});
