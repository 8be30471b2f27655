/** Pulls on demand for viewers who take no WebRTC. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import type { Running } from "../fixture.ts";
import { nameOf } from "../hls/feed.ts";
import { served } from "../hls/fixture.ts";
import { until } from "../rtc/client.ts";
import { relays, server } from "./fixture.ts";

async function edge(t: TestContext): Promise<Running> {
  const origin = await server(t, "--demo", "on");
  return await server(
    t,
    ...["--relay.pull", `live/*=${origin.url}/whep/[app]/[stream]`],
    ...["--relay.allow", "127.0.0.1", "--relay.pull_idle", "1000"],
  );
}

const connected = async (place: Running): Promise<boolean> =>
  (await relays(place)).some(
    ({ stream, state }) => stream === "live/demo" && state === "connected",
  );

test("a stream is pulled when somebody waits for it by HTTP-FLV, and let go some time after the last", {
  timeout: 120_000,
}, async (t) => {
  const near = await edge(t);
  const viewer = connect(near.port, "127.0.0.1");
  t.after(() => void viewer.destroy());
  let bytes = 0;
  viewer.on("data", (chunk) => {
    bytes += chunk.length;
  });
  viewer.write("GET /live/demo.flv HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => bytes >= 20_000, "the stream comes");
  assert.ok(await connected(near));
  viewer.destroy();
  await until(async () => (await relays(near)).length === 0, "the pull is over");
});

test("a stream is pulled when somebody asks for its playlist of HLS", {
  timeout: 120_000,
}, async (t) => {
  const near = await edge(t);
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const asked = fetch(`${near.url}/live/demo.m3u8`, { signal: leaving.signal });
  asked.catch(() => {});
  await until(() => connected(near), "the pull has come");
});

test("who asks for HLS watches for 10 s after his last request; what is made into files alone is not watched", async (t) => {
  let now = 0;
  const { hls } = await served(t, { now: () => now });
  assert.equal(hls.watches("live/one"), false);
  hls.write(nameOf("live/one"));
  assert.equal(hls.watches("live/one"), false);
  hls.open(nameOf("live/one"), "aac");
  now = 10_000;
  assert.equal(hls.watches("live/one"), true);
  now = 10_001;
  assert.equal(hls.watches("live/one"), false);
});
