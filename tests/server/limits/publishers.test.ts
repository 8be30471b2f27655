import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { encodeAmf0 } from "../../../core/wire/amf0/mod.ts";
import { MessageType } from "../../../core/wire/rtmp/mod.ts";
import { type Running, start } from "../fixture.ts";
import { Camera } from "../rtc/camera.ts";
import { publish, type RtcClient, until } from "../rtc/client.ts";
import { type Encoder, openEncoder } from "../rtmp/encoder.ts";

/** So few that a slow machine floods as well. */
const FEW = ["--limits.publisher_packets", "100"];
const HELD = "monoport_clients_held_back_total";
const FLOOD_MILLIS = 20;
const ENOUGH_MILLIS = 60_000;

async function running(t: TestContext, ...args: string[]): Promise<Running> {
  const server = await start(args);
  t.after(() => server.monoport.close());
  return server;
}

async function encoder(t: TestContext, server: Running, stream: string): Promise<Encoder> {
  const one = await openEncoder(server.port);
  t.after(() => one.close());
  one.publish(stream);
  await until(() => one.words.includes("NetStream.Publish.Start"), "publishing starts");
  one.sendConfiguration();
  return one;
}

/** Calls `send` all the time until the test is over. */
function flood(t: TestContext, send: () => void): void {
  const timer = setInterval(send, FLOOD_MILLIS);
  t.after(() => clearInterval(timer));
}

interface Told {
  readonly name: string;
  readonly trouble?: string;
}

async function clientsOf(server: Running): Promise<readonly Told[]> {
  const answer = await fetch(`${server.url}/api/v1/clients/`);
  return ((await answer.json()) as { clients: Told[] }).clients;
}

async function camera(t: TestContext, server: Running, stream: string): Promise<Camera> {
  const client: RtcClient = await publish(server, { stream });
  t.after(() => client.close());
  const one = new Camera(client);
  one.remembers = false;
  return one;
}

test("publishers who flood are held back, seen in the API as such, and ended after 10 s: RTMP, WebRTC over TCP and UDP", {
  timeout: 90_000,
}, async (t) => {
  const server = await running(t, ...FEW);
  const { metrics } = server.monoport;
  const rtmp = await encoder(t, server, "rtmp");
  const tcp = await camera(t, server, "tcp");
  await tcp.client.connect();
  const udp = await camera(t, server, "udp");
  await udp.client.connectUdp();
  let time = 0;
  flood(t, () => {
    for (let i = 0; i < 40; i++) rtmp.sendPicture(4 * time++, i === 0);
    for (const one of [tcp, udp]) one.send(true, 40);
  });
  await until(async () => {
    const troubles = (await clientsOf(server)).map(({ trouble }) => trouble ?? "");
    return troubles.filter((words) => words.includes("limits.publisher_packets")).length === 3;
  }, "all three are held back");
  assert.equal(metrics.value(HELD, "limits.publisher_packets") >= 3, true);
  await until(
    () => metrics.value("monoport_sessions_ended_total", "publisher-rate") === 3,
    "all three are ended",
    ENOUGH_MILLIS,
  );
  // It is told, and may not hear it: who sends on past that gets a reset, which takes it back.
  const told = (): boolean => rtmp.words.includes("NetStream.Publish.Denied");
  await until(() => told() || rtmp.closed, "the encoder is told, or its connection closed");
  assert.ok(metrics.value("monoport_datagrams_dropped_total", "publisher-rate") > 0);
  assert.deepEqual(await clientsOf(server), []);
});

test("messages without a byte, and chunks of one, are bound as others: a connection that sends them is held back before it publishes", async (t) => {
  for (const bytes of [empty(), crumbs()]) {
    // Each on a server of its own: who left with empty buckets begins with empty ones, of bytes too.
    const server = await running(t, "--limits.publisher_packets", "500");
    const held = (): number => server.monoport.metrics.value(HELD, "limits.publisher_packets");
    const one = await openEncoder(server.port);
    t.after(() => one.close());
    one.socket.write(bytes);
    await until(() => held() > 0, "it is held back");
    one.close();
  }
});

/** The answer to a question that was sent behind all the rest. */
async function allRead(one: Encoder): Promise<void> {
  const answers = (): number => one.words.filter((word) => word === "_result").length;
  const before = answers();
  one.command("getStreamLength", null);
  await until(() => answers() > before, "all was read");
}

/** 40,000 messages of no bytes: one header, then its likes in a byte each. */
function empty(): Uint8Array {
  const bytes = new Uint8Array(12 + 40_000).fill(0xc4);
  bytes.set([4, 0, 0, 0, 0, 0, 0, MessageType.Audio, 1, 0, 0, 0]);
  return bytes;
}

/** Set Chunk Size 1, then a message of 60,000 bytes in as many chunks. */
function crumbs(): Uint8Array {
  const size = 60_000;
  const bytes = new Uint8Array(16 + 4 + 12 + 2 * size).fill(0xc4);
  bytes.set([2, 0, 0, 0, 0, 0, 4, MessageType.SetChunkSize, 0, 0, 0, 0, 0, 0, 0, 1]);
  bytes.set(
    [4, 0, 0, 0, size >> 16, (size >> 8) & 255, size & 255, MessageType.Audio, 1, 0, 0, 0],
    16,
  );
  return bytes.subarray(0, 16 + 12 + 2 * size - 1);
}

test("a burst below five seconds' worth passes whole", async (t) => {
  const server = await running(t, ...FEW);
  const { metrics } = server.monoport;
  const one = await encoder(t, server, "burst");
  for (let i = 0; i < 400; i++) one.sendPicture(i * 40, i === 0);
  await allRead(one);
  assert.equal(metrics.value(HELD, "limits.publisher_packets"), 0);
});

test("limits.publisher_bitrate holds back a publisher of large messages; 0 does not", async (t) => {
  for (const kbps of ["100", "0"]) {
    const server = await running(t, "--limits.publisher_bitrate", kbps);
    const one = await encoder(t, server, "large");
    const payload = encodeAmf0("@setDataFrame", "onMetaData", "x".repeat(60_000));
    for (let i = 0; i < 4; i++)
      one.send({ type: MessageType.DataAmf0, stream: 1, timestamp: 0, payload });
    const { metrics } = server.monoport;
    const held = (): number => metrics.value(HELD, "limits.publisher_bitrate");
    if (kbps === "100") await until(() => held() === 1, "it is held back");
    else {
      await allRead(one);
      assert.equal(held(), 0);
    }
  }
});
