/** GET /api/v1/streams/ID/keyframe: what a decoder in a page takes, for who may see it. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { splitSample } from "../../core/media/h264/mod.ts";
import type { FrameSink, StreamName } from "../../core/stream/mod.ts";
import {
  FRESH_MILLIS,
  KEYFRAME_MAX_BYTES,
  Keyframes,
  MAX_STREAMS,
  PATIENCE_MILLIS,
} from "../../server/frames/keyframes.ts";
import type { ServeOptions } from "../../server/monoport.ts";
import { streamId } from "../../server/rtc/stream_facts.ts";
import { name } from "../core/stream/fixture.ts";
import { type Running, rawStatus, start } from "./fixture.ts";
import { Camera } from "./rtc/camera.ts";
import { publish, sleep } from "./rtc/client.ts";
import { slowClock } from "./slow_clock.ts";

async function live(
  t: TestContext,
  args: readonly string[] = [],
  more: Partial<ServeOptions> = {},
): Promise<Running & { readonly path: string; readonly camera: Camera }> {
  const server = await start(args, more);
  t.after(() => server.monoport.close());
  const client = await publish(server, { stream: "k" });
  t.after(() => client.close());
  await client.connect();
  const camera = new Camera(client);
  camera.run(3);
  t.after(() => camera.stop());
  return { ...server, camera, path: `/api/v1/streams/${streamId("live/k")}/keyframe` };
}

test("the last keyframe comes as WebCodecs takes it, and once to all who ask", async (t) => {
  const { url, path, camera } = await live(t);
  // The first ones may be there before the stream is live.
  let first = await fetch(url + path);
  for (let i = 0; i < 500 && first.status === 404; i++) {
    await sleep(20);
    first = await fetch(url + path);
  }
  assert.equal(first.status, 200);
  const { headers } = first;
  assert.equal(headers.get("monoport-codec"), "avc1.42c01e");
  assert.equal(headers.get("monoport-picture"), "640x360");
  const record = Buffer.from(headers.get("monoport-description") ?? "", "base64");
  assert.deepEqual([...record.subarray(0, 4)], [1, 0x42, 0xc0, 0x1e]);
  assert.match(headers.get("access-control-expose-headers") ?? "", /Monoport-Codec/);
  const units = splitSample(new Uint8Array(await first.arrayBuffer()), 4);
  assert.ok(Array.isArray(units));
  assert.deepEqual(
    units.map((unit) => (unit[0] ?? 0) & 0x1f),
    [5],
    "an IDR picture alone",
  );
  const asked = camera.requests;
  const etag = headers.get("etag") ?? "";
  const others = await Promise.all([1, 2, 3].map(() => fetch(url + path)));
  for (const other of others) assert.equal(other.headers.get("etag"), etag);
  for (const other of others) await other.body?.cancel();
  const again = await fetch(url + path, { headers: { "if-none-match": etag } });
  assert.equal(again.status, 304);
  assert.equal(camera.requests, asked, "nobody is asked for another one so soon");
});

test("a picture is for who may play: admission, the API's credentials, this machine where hooks decide", async (t) => {
  const admit: ServeOptions["admit"] = ({ token, action }) =>
    token === "good" || action === "publish"
      ? { admitted: true }
      : { admitted: false, status: 401, reason: "a token, please" };
  const asked = await live(t, [], { admit });
  const status = async (server: Running, path: string, init = {}, patience = 500) => {
    for (let i = 0; ; i++) {
      const answer = await fetch(server.url + path, init);
      await answer.arrayBuffer();
      if (answer.status !== 404 || i === patience) return answer.status;
      await sleep(20);
    }
  };
  assert.equal(await status(asked, asked.path), 401);
  assert.equal(await status(asked, `${asked.path}?token=good`), 200);
  assert.equal(await status(asked, "/api/v1/streams/vid-none/keyframe", {}, 0), 404);

  const secret = ["--http_api.auth.username", "me", "--http_api.auth.password", "abc"];
  const guarded = await live(t, ["--http_api.auth.enabled", "on", ...secret], { admit });
  const basic = { authorization: `Basic ${btoa("me:abc")}` };
  assert.equal(await status(guarded, guarded.path), 401);
  assert.equal(await status(guarded, guarded.path, { headers: basic }), 200);
});

test("where hooks decide who plays, nobody else than this machine gets a picture", async (t) => {
  const hook = ["--vhost.http_hooks.on_play", "http://127.0.0.1:9/"];
  const server = await live(t, ["--vhost.http_hooks.enabled", "on", ...hook]);
  const get = (fields: string): Promise<number> =>
    rawStatus(server.port, "GET", server.path, fields);
  let status = 404;
  for (let i = 0; i < 500 && status === 404; i++) {
    await sleep(20);
    status = await get("host: localhost\r\n");
  }
  assert.equal(status, 200);
  assert.equal(await get("host: live.example\r\n"), 403);
  assert.equal(await get("host: localhost\r\nx-forwarded-for: 192.0.2.1\r\n"), 403);
});

test("one address gets so many keyframes a second, and then 429", async (t) => {
  const { url, path } = await live(t, [], { runtime: (await slowClock()).runtime });
  // Of a stream that is not live yet nothing is counted.
  for (let i = 0, status = 404; i < 500 && status === 404; i++) {
    await sleep(20);
    const answer = await fetch(url + path);
    await answer.body?.cancel();
    ({ status } = answer);
  }
  const all = await Promise.all(Array.from({ length: 120 }, () => fetch(url + path)));
  const refused = all.filter(({ status }) => status === 429);
  assert.ok(refused.length >= 10, `${refused.length} of ${all.length}`);
  assert.ok(refused.every(({ headers }) => Number(headers.get("retry-after")) > 0));
  for (const answer of all) await answer.body?.cancel();
});

/** Timers that fire when told, and taps that are given frames by hand. */
function byHand(): {
  readonly keyframes: Keyframes;
  readonly sinks: Map<string, FrameSink>;
  readonly timers: ReadonlySet<unknown>;
  pass(millis: number): void;
} {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly call: () => void }>();
  const sinks = new Map<string, FrameSink>();
  const runtime = {
    now: () => now,
    wakeAt: (at: number, call: () => void) => {
      const timer = { at, call };
      timers.add(timer);
      return { [Symbol.dispose]: () => void timers.delete(timer) };
    },
  };
  const frames = {
    tap: ({ key }: StreamName, _: unknown, sink: FrameSink) => {
      sinks.set(key, sink);
      return { [Symbol.dispose]: () => void sinks.delete(key) };
    },
  };
  return {
    keyframes: new Keyframes({ runtime, frames }),
    sinks,
    timers,
    pass: (millis) => {
      now += millis;
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer);
        timer.call();
      }
    },
  };
}

function give(sink: FrameSink | undefined, bytes: number, keyframe = true): void {
  sink?.handleFormat({
    ...{ kind: "video", codec: "vp8", codecString: "vp08.00.10.08", width: 16, height: 16 },
    ...{ configuration: new Uint8Array(0), sampleRate: 0, channels: 0 },
  });
  sink?.handleFrame({ kind: "video", dts: 0, pts: 0, keyframe, data: new Uint8Array(bytes) });
}

/** Lets what waits for promises go on. */
const turn = (): Promise<void> => new Promise((wake) => setTimeout(wake, 0));

test("a stream's frames are taken until its keyframe, and no longer than the patience lasts", async () => {
  const { keyframes, sinks, pass } = byHand();
  const silent = keyframes.latest(name("live/silent"));
  const found = keyframes.latest(name("live/a"));
  give(sinks.get("live/a"), 10, false);
  await turn();
  assert.equal(sinks.size, 2, "no keyframe yet");
  give(sinks.get("live/a"), 10);
  assert.equal(typeof (await found), "object");
  assert.deepEqual([...sinks.keys()], ["live/silent"]);
  pass(PATIENCE_MILLIS);
  assert.equal(await silent, "none");
  assert.equal(sinks.size, 0);
  assert.equal(keyframes.latest(name("live/a")), found, "kept for the next who asks");
  pass(FRESH_MILLIS);
  assert.equal(keyframes.size, 0);
});

test("what is kept goes when the server closes, and no timer is left that would keep its process", async () => {
  const { keyframes, sinks, timers } = byHand();
  const found = keyframes.latest(name("live/a"));
  give(sinks.get("live/a"), 10);
  await found;
  await turn();
  assert.equal(timers.size, 1);
  keyframes.close();
  assert.deepEqual([timers.size, keyframes.size], [0, 0]);
});

test("the streams at a time and the bytes of a keyframe are bounded", async () => {
  const { keyframes, sinks } = byHand();
  const all = Array.from({ length: MAX_STREAMS }, (_, i) => keyframes.latest(name(`live/s${i}`)));
  assert.equal(await keyframes.latest(name("live/more")), "busy");
  give(sinks.get("live/s0"), KEYFRAME_MAX_BYTES + 1);
  assert.equal(await all[0], "too-large");
  sinks.get("live/s1")?.handleEnd();
  assert.equal(await all[1], "none");
  give(sinks.get("live/s2"), KEYFRAME_MAX_BYTES);
  assert.equal(typeof (await all[2]), "object");
});
