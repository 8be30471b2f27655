import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Running, start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { type Encoder, openEncoder } from "../rtmp/encoder.ts";

async function opened(t: TestContext, server: Running): Promise<Encoder> {
  const one = await openEncoder(server.port);
  t.after(() => one.close());
  return one;
}

/** A publisher of pictures and AAC, 40 ms apart. */
async function publishing(t: TestContext, server: Running, pictures: number): Promise<Encoder> {
  const from = await opened(t, server);
  from.publish("r");
  await until(() => from.words.includes("NetStream.Publish.Start"), "publishing");
  from.sendConfiguration();
  from.sendAudio(0, Uint8Array.of(0xaf, 0, 0x12, 0x10));
  for (let i = 0; i < pictures; i++) {
    from.sendPicture(i * 40, i % 10 === 0);
    from.sendAudio(i * 40 + 7, Uint8Array.of(0xaf, 1, i));
  }
  return from;
}

async function playing(t: TestContext, server: Running, key = "r"): Promise<Encoder> {
  const player = await opened(t, server);
  player.command("connect", new Map([["app", "live"]]));
  player.command("createStream", null);
  player.command("play", null, key);
  return player;
}

test("play brings the tags since the last keyframe as messages, sound and picture in step", async (t) => {
  const server = await start(["--vhost.play.mw_latency", "20"]);
  t.after(() => server.monoport.close());
  await publishing(t, server, 15);
  const player = await playing(t, server);
  await until(() => player.media.length >= 12, "media");
  assert.deepEqual(player.words.slice(2), ["NetStream.Play.Reset", "NetStream.Play.Start"]);
  const [record, specific, first] = player.media;
  assert.deepEqual([...record!.payload.subarray(0, 2)], [0x17, 0]);
  assert.deepEqual([...specific!.payload], [0xaf, 0, 0x12, 0x10]);
  assert.deepEqual([...first!.payload.subarray(0, 2)], [0x17, 1]);
  const sound = player.media.filter(({ payload }) => payload[0] === 0xaf && payload[1] === 1);
  assert.deepEqual(
    [...sound.slice(0, 3)].map(({ payload }) => payload[2]),
    [10, 11, 12],
  );
  for (const { timestamp, payload } of sound) {
    const since = timestamp - first!.timestamp - ((payload[2] ?? 0) - 10) * 40;
    assert.ok(Math.abs(since - 7) <= 1, `${since} ms behind its picture`);
  }
});

test("a player is a client of type rtmp-play, and DELETE of it says that the stream is over", async (t) => {
  const server = await start([]);
  t.after(() => server.monoport.close());
  const player = await playing(t, server);
  await until(() => player.words.includes("NetStream.Play.Start"), "playing");
  const { clients } = (await (await fetch(`${server.url}/api/v1/clients/`)).json()) as {
    clients: { id: string; type: string }[];
  };
  assert.deepEqual(
    clients.map(({ type }) => type),
    ["rtmp-play"],
  );
  await fetch(`${server.url}/api/v1/clients/${clients[0]?.id}`, { method: "DELETE" });
  await until(() => player.closed, "closed");
  assert.equal(player.words.at(-1), "NetStream.Play.UnpublishNotify");
  assert.equal(server.monoport.metrics.value("monoport_flv_viewers"), 0);
});

test("admission is asked for a player with the token of his key, or of his application", async (t) => {
  const asked: string[] = [];
  const server = await start([], {
    admit: ({ action, token }) => {
      asked.push(`${action} ${token}`);
      return token === "good"
        ? { admitted: true }
        : { admitted: false, status: 401, reason: "a good token, please" };
    },
  });
  t.after(() => server.monoport.close());
  const refused = await playing(t, server, "r?token=bad");
  await until(() => refused.closed, "refused");
  assert.equal(refused.words.at(-1), "NetStream.Play.Failed");
  const player = await opened(t, server);
  player.command("connect", new Map([["app", "live?token=good"]]));
  player.command("createStream", null);
  player.command("play", null, "r");
  await until(() => player.words.includes("NetStream.Play.Start"), "playing");
  assert.deepEqual(asked, ["play bad", "play good"]);
});
