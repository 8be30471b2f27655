import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { MessageType } from "../../../core/wire/rtmp/mod.ts";
import type { Admission } from "../../../server/admit.ts";
import type { ServeOptions } from "../../../server/monoport.ts";
import { type Running, start } from "../fixture.ts";
import { play, type RtcClient, sleep, until } from "../rtc/client.ts";
import { type Encoder, openEncoder } from "./encoder.ts";

async function running(
  t: TestContext,
  args: readonly string[] = [],
  more: Partial<ServeOptions> = {},
): Promise<Running> {
  const server = await start(args, more);
  t.after(() => server.monoport.close());
  return server;
}

async function encoder(t: TestContext, port: number, secure = false): Promise<Encoder> {
  const one = await openEncoder(port, secure);
  t.after(() => one.close());
  return one;
}

const STARTED = "NetStream.Publish.Start";

async function publishing(
  t: TestContext,
  server: Running,
  stream: string,
  secure = false,
): Promise<Encoder> {
  const one = await encoder(t, server.port, secure);
  one.publish(stream);
  await until(() => one.words.includes(STARTED), "publishing starts");
  one.sendConfiguration();
  return one;
}

/** A viewer who counts packets, and the sequence numbers that are missing between them. */
async function viewer(
  t: TestContext,
  server: Running,
  stream: string,
): Promise<{ client: RtcClient; packets: number; timestamps: number[] }> {
  const client = await play(server, { stream });
  t.after(() => client.close());
  const seen = { client, packets: 0, timestamps: [] as number[] };
  client.onRtp = (header) => {
    seen.packets++;
    if (seen.timestamps.at(-1) !== header.timestamp) seen.timestamps.push(header.timestamp);
  };
  await client.connect();
  return seen;
}

for (const secure of [false, true]) {
  test(`${secure ? "RTMPS" : "RTMP"} on the shared port: pictures reach a WebRTC viewer, in parameter sets and fragments`, async (t) => {
    const server = await running(t, secure ? ["--http_api.https.enabled", "on"] : []);
    const watching = await viewer(t, server, "r");
    const from = await publishing(t, server, "r", secure);
    for (let i = 0; i < 20; i++) {
      from.sendPicture(i * 40, i % 10 === 0, i % 10 === 0 ? 5000 : 200);
      await sleep(10);
    }
    // 2 keyframes of 1 + 5 packets, 18 pictures of one.
    await until(() => watching.packets >= 30, "30 packets");
    const gaps = watching.timestamps
      .slice(1)
      .map((time, i) => (time - (watching.timestamps[i] ?? 0)) >>> 0);
    assert.ok(
      gaps.every((gap) => gap === 3600),
      gaps.join(" "),
    );
    const clients = await (await fetch(`${server.url}/api/v1/clients/`)).text();
    assert.match(clients, /"type":"fmle-publish","publish":true/);
    from.close();
    await until(
      async () => !/fmle/.test(await (await fetch(`${server.url}/api/v1/clients/`)).text()),
      "he is gone",
    );
  });
}

test("a stream that is published is refused to another by name, and given to the same address again", async (t) => {
  const server = await running(t);
  const first = await publishing(t, server, "r");
  first.sendPicture(0, true);
  await until(
    async () => /"active":true/.test(await (await fetch(`${server.url}/api/v1/streams/`)).text()),
    "live",
  );
  const second = await encoder(t, server.port);
  second.publish("r");
  await until(() => second.closed, "refused");
  assert.equal(second.words.at(-1), "NetStream.Publish.BadName");
  assert.equal(first.closed, false);
});

test("admission is asked with the token of the key, and its words are told", async (t) => {
  const asked: Admission[] = [];
  const admit = (wanted: Admission): ReturnType<NonNullable<ServeOptions["admit"]>> => {
    asked.push(wanted);
    return wanted.token === "good"
      ? { admitted: true }
      : { admitted: false, status: 401, reason: "a good token, please" };
  };
  const server = await running(t, [], { admit });
  const refused = await encoder(t, server.port);
  refused.publish("r?token=bad");
  await until(() => refused.closed, "refused");
  assert.equal(refused.words.at(-1), "NetStream.Publish.Denied");
  const admitted = await encoder(t, server.port);
  admitted.publish("r?token=good");
  await until(() => admitted.words.includes(STARTED), "admitted");
  assert.deepEqual(
    asked.map(({ action, app, stream, address }) => `${action} ${app}/${stream} ${address}`),
    ["publish live/r 127.0.0.1", "publish live/r 127.0.0.1"],
  );
});

test("a bad name, to publish or to play, and publishing with rtmp.enabled off are refused", async (t) => {
  const server = await running(t);
  const named = await encoder(t, server.port);
  named.publish("../etc");
  await until(() => named.closed, "refused");
  assert.equal(named.words.at(-1), "NetStream.Publish.Denied");
  const player = await encoder(t, server.port);
  player.command("connect", new Map([["app", "live"]]));
  player.command("createStream", null);
  player.command("play", null, ".r");
  await until(() => player.closed, "refused");
  assert.equal(player.words.at(-1), "NetStream.Play.Failed");
  const off = await running(t, ["--rtmp.enabled", "off"]);
  const closed = await encoder(t, off.port);
  await until(() => closed.closed, "closed");
  assert.equal(off.monoport.metrics.value("monoport_connections_shed_total", "not-served"), 1);
});

test("DELETE of the client ends the publisher", async (t) => {
  const server = await running(t);
  const from = await publishing(t, server, "r");
  const { clients } = (await (await fetch(`${server.url}/api/v1/clients/`)).json()) as {
    clients: { id: string }[];
  };
  const answer = await fetch(`${server.url}/api/v1/clients/${clients[0]?.id}`, {
    method: "DELETE",
  });
  assert.equal(answer.status, 200);
  await until(() => from.closed, "closed");
  assert.equal(from.words.at(-1), "NetStream.Unpublish.Success");
});

test("sound that no viewer can hear and B-frames are told to the operator, once", async (t) => {
  const server = await running(t);
  const from = await publishing(t, server, "r");
  from.sendPicture(0, true);
  for (let i = 0; i < 3; i++) from.sendAudio(i * 20, Uint8Array.of(0xb2, 1, 9, 9));
  // nal_ref_idc 0, first_mb_in_slice 0, slice_type 1: a B slice nobody refers to.
  for (let i = 1; i < 4; i++)
    from.sendVideo(i * 40, Uint8Array.of(0x27, 1, 0, 0, 0, 0, 0, 0, 3, 0x01, 0xa8, 0));
  const trouble = async (): Promise<string> => {
    const { clients } = (await (await fetch(`${server.url}/api/v1/clients/`)).json()) as {
      clients: { trouble: string }[];
    };
    return clients[0]?.trouble ?? "";
  };
  await until(async () => (await trouble()).includes("B-frames"), "told");
  assert.equal((await trouble()).match(/its sound/g)?.length, 1);
  assert.equal((await trouble()).match(/bframes=0/g)?.length, 1);
});

test("Opus by enhanced RTMP and G.711 become the stream's sound", async (t) => {
  const server = await running(t);
  for (const [stream, payload, codec] of [
    ["opus", Uint8Array.of(0x91, ...Buffer.from("Opus"), 0xfc, 0xff, 0xfe), "Opus"],
    ["alaw", Uint8Array.of(0x70, 1, 2, 3), "PCMA"],
  ] as const) {
    const from = await publishing(t, server, stream);
    from.sendPicture(0, true);
    for (let i = 0; i < 5; i++) from.sendAudio(i * 20, payload);
    await until(async () => {
      const { streams } = (await (await fetch(`${server.url}/api/v1/streams/`)).json()) as {
        streams: { name: string; audio: { codec: string } | null }[];
      };
      return streams.find((one) => one.name === stream)?.audio?.codec === codec;
    }, codec);
  }
});

test("garbage after the handshake closes that connection and counts", async (t) => {
  const server = await running(t);
  const other = await publishing(t, server, "other");
  const from = await publishing(t, server, "r");
  from.socket.write(Uint8Array.of(0xc9, 0xff, 0xff));
  await until(() => from.closed, "closed");
  assert.equal(other.closed, false);
  assert.equal(
    server.monoport.metrics.value("monoport_faults_total", "core/wire/rtmp/no-message-header"),
    1,
  );
});

test("one address publishes no more streams than limits.streams_per_address", async (t) => {
  const server = await running(t, ["--limits.streams_per_address", "2"]);
  for (const stream of ["a", "b"]) await publishing(t, server, stream);
  const third = await encoder(t, server.port);
  third.publish("c");
  await until(() => third.closed, "refused");
  assert.equal(third.words.at(-1), "NetStream.Publish.Denied");
});

test("what is kept of messages before anything is published counts as unproven bytes", async (t) => {
  const server = await running(t, ["--limits.unproven_bytes", "400000"]);
  const one = await encoder(t, server.port);
  // Never whole: a chunk size of 1 MiB, and a message of it of which 150,000 bytes come.
  one.send({
    type: MessageType.SetChunkSize,
    stream: 0,
    timestamp: 0,
    payload: Uint8Array.of(0, 16, 0, 0),
  });
  const begun = new Uint8Array(150_000);
  begun.set([4, 0, 0, 0, 0x10, 0, 0, MessageType.Video, 1, 0, 0, 0]);
  one.socket.write(begun);
  await until(() => one.closed, "closed");
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /connections_shed_total\{reason="unproven-bytes"\} 1/);
  assert.match(metrics, /^monoport_unproven_bytes 0$/m);
});

test("who come at the same time are counted when admission has answered", async (t) => {
  const admit = async (): Promise<{ readonly admitted: true }> => {
    await sleep(200);
    return { admitted: true };
  };
  const server = await running(t, ["--limits.streams_per_address", "2"], { admit });
  const all = await Promise.all(["a", "b", "c", "d"].map(() => encoder(t, server.port)));
  for (const [i, one] of all.entries()) one.publish(`s${i}`);
  await until(() => all.filter((one) => one.closed).length === 2, "two are refused");
  assert.equal(all.filter((one) => one.words.includes(STARTED)).length, 2);
});
