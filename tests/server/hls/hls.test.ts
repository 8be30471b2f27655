import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadRuntime } from "../../../runtime/mod.ts";
import { HlsViewers, MAX_BYTES, MAX_VIEWERS } from "../../../server/hls/mod.ts";
import { brokenRules, readPlaylist } from "../../core/egress/hls/playlist_rules.ts";
import { nameOf } from "./feed.ts";
import { live, PATH, served } from "./fixture.ts";

describe("HLS over HTTP", () => {
  test("the playlist comes when two segments are complete, and keeps the rules", async (t) => {
    const { feed, get } = await served(t);
    const asked = get(PATH);
    await new Promise((wake) => setTimeout(wake, 20));
    assert.equal(feed.taps[0]?.options.audio, "aac");
    assert.equal(feed.taps[0]?.options.fromKeyframe, true);
    feed.formats();
    feed.play(3900);
    assert.equal(
      await Promise.race([asked, new Promise((wake) => setTimeout(wake, 50))]),
      undefined,
    );
    feed.play(200);
    const answer = await asked;
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/vnd.apple.mpegurl");
    assert.equal(answer.headers.get("cache-control"), "max-age=1");
    const text = await answer.text();
    assert.deepEqual(brokenRules(text), []);
    assert.equal(readPlaylist(text).segments.length, 2);
  });

  test("everything it names is there, may be kept, and fits together", async (t) => {
    const { get } = await live(t, 9000);
    const list = readPlaylist(await (await get(PATH)).text());
    for (const { uri, parts, map } of list.segments) {
      const whole = await get(`/live/one/${uri}`);
      assert.equal(whole.status, 200);
      assert.equal(whole.headers.get("content-type"), "video/mp4");
      assert.match(whole.headers.get("cache-control") ?? "", /immutable/);
      let joined = "";
      for (const part of parts)
        joined += Buffer.from(await (await get(`/live/one/${part.uri}`)).arrayBuffer()).toString(
          "hex",
        );
      assert.equal(Buffer.from(await whole.arrayBuffer()).toString("hex"), joined);
      const init = Buffer.from(await (await get(`/live/one/${map}`)).arrayBuffer());
      assert.equal(init.toString("latin1", 4, 8), "ftyp");
    }
    const head = await get(PATH, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(await head.text(), "");
  });

  test("a reload with _HLS_msn and _HLS_part waits for that part", async (t) => {
    const { feed, get } = await live(t, 4500);
    const before = readPlaylist(await (await get(PATH)).text());
    const part = before.open.length;
    const asked = get(`${PATH}?_HLS_msn=2&_HLS_part=${part}`);
    assert.equal(
      await Promise.race([asked, new Promise((wake) => setTimeout(wake, 50))]),
      undefined,
    );
    feed.play(500);
    const answer = await asked;
    assert.equal(answer.headers.get("cache-control"), "max-age=18");
    assert.equal(readPlaylist(await answer.text()).open.length, part + 1);
  });

  test("a part beyond the last of a segment means the first of the next", async (t) => {
    const { feed, get } = await live(t, 6010);
    const asked = get(`${PATH}?_HLS_msn=2&_HLS_part=99`);
    assert.equal(
      await Promise.race([asked, new Promise((wake) => setTimeout(wake, 50))]),
      undefined,
    );
    feed.play(500);
    assert.equal(readPlaylist(await (await asked).text()).open.length, 1);
  });

  test("_HLS_msn alone waits for the whole segment", async (t) => {
    const { feed, get } = await live(t, 4500);
    const asked = get(`${PATH}?_HLS_msn=2`);
    feed.play(1600);
    assert.equal(readPlaylist(await (await asked).text()).segments.at(-1)?.number, 2);
  });

  test("_HLS_skip gets a delta update", async (t) => {
    const { get } = await live(t, 60_000);
    const list = readPlaylist(await (await get(`${PATH}?_HLS_skip=YES`)).text());
    assert.ok(list.skipped > 0);
  });

  test("the part that is hinted at is waited for", async (t) => {
    const { feed, get } = await live(t, 4500);
    const { hint } = readPlaylist(await (await get(PATH)).text());
    const asked = get(`/live/one/${hint}`);
    feed.play(500);
    assert.equal((await asked).status, 200);
  });

  for (const [query, why] of [
    ["_HLS_msn=x", "no number"],
    ["_HLS_part=1", "a part of nothing"],
    ["_HLS_msn=0&_HLS_part=-1", "no part"],
    ["_HLS_msn=99", "too far ahead"],
    ["audio=mp3", "no such sound"],
  ]) {
    test(`400 for ${query}: ${why}`, async (t) => {
      const { get } = await live(t, 4500);
      assert.equal((await get(`${PATH}?${query}`)).status, 400);
    });
  }

  test("404 with Retry-After when nobody publishes; 404 for what there is not", async (t) => {
    const { get } = await served(t);
    const answer = await get(PATH);
    assert.equal(answer.status, 404);
    assert.equal(answer.headers.get("retry-after"), "2");
    for (const name of ["one/0123456789ab-0.m4s", "one/0123456789ab-ainit0.mp4", "one/one.ts"])
      assert.equal((await get(`/live/${name}`)).status, 404);
    assert.equal((await get("/live/.one.m3u8")).status, 400);
  });

  test("503 with Retry-After over limits.hls_streams", async (t) => {
    const { hls, get } = await served(t, { maxStreams: 1 });
    hls.open(nameOf("live/other"), "aac");
    const answer = await get(PATH);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("retry-after"), "5");
  });

  test("who is not admitted gets no playlist, and begins nothing", async (t) => {
    const { hls, get } = await served(t, { admitted: false });
    const answer = await get(PATH);
    assert.equal(answer.status, 401);
    assert.equal(hls.streams, 0);
  });

  test("Opus when asked for, by another muxer", async (t) => {
    const { feed, hls } = await live(t, 4500);
    hls.open(nameOf("live/one"), "opus");
    assert.deepEqual(
      feed.taps.map(({ options }) => options.audio),
      ["aac", "opus"],
    );
  });

  test("a viewer is a client, and stays away when he is kicked", async (t) => {
    const { hls, get } = await live(t, 4500);
    await get(PATH, { headers: { "user-agent": "a" } });
    await get(PATH, { headers: { "user-agent": "a" } });
    await get(PATH, { headers: { "user-agent": "b" } });
    assert.deepEqual(
      hls.clients().map(({ type, address, name }) => [type, address, name]),
      Array(2).fill(["hls-play", "192.0.2.1", "one"]),
    );
    assert.ok(hls.kick(hls.clients()[0]?.id ?? ""));
    assert.equal((await get(PATH, { headers: { "user-agent": "a" } })).status, 404);
    assert.equal((await get(PATH, { headers: { "user-agent": "b" } })).status, 200);
  });

  test("when the publisher has left for 10 s the playlist has an end", async (t) => {
    let later = 0;
    const begun = (await loadRuntime()).now();
    const { feed, hls, get } = await served(t, { now: () => begun + later });
    hls.open(nameOf("live/one"), "aac");
    feed.formats();
    feed.play(9000);
    feed.end();
    assert.ok(!readPlaylist(await (await get(PATH)).text()).ended);
    later = 11_000;
    assert.ok(readPlaylist(await (await get(PATH)).text()).ended);
    feed.formats();
    feed.play(9000);
    const list = readPlaylist(await (await get(PATH)).text());
    assert.ok(!list.ended && list.segments.some(({ discontinuity }) => discontinuity));
  });
});

describe("HLS in memory", () => {
  test("old segments are forgotten, and no more than MAX_BYTES kept", async (t) => {
    const { feed, hls, get } = await live(t, 120_000);
    const muxer = hls.open(nameOf("live/one"), "aac");
    const list = readPlaylist(await (await get(PATH)).text());
    assert.ok(
      muxer?.rendition("media").segment(list.sequence - 1),
      "one that has just left can still be got",
    );
    assert.equal(muxer?.rendition("media").segment(0), undefined);
    const small = muxer?.bytes ?? 0;
    assert.ok(small > 0 && small < 1_000_000, `${small} bytes`);
    feed.play(20_000, 200_000);
    assert.ok((muxer?.bytes ?? 0) <= MAX_BYTES + 2 * 50 * 200_000);
  });

  test("viewers that are counted are bounded, and forgotten", async () => {
    const { crypto } = await loadRuntime();
    const viewers = new HlsViewers(crypto);
    for (let i = 0; i <= MAX_VIEWERS; i++)
      assert.ok(viewers.see(nameOf("live/one"), `${i}`, { address: "a", token: "", param: "" }, 0));
    assert.equal(viewers.count(0), MAX_VIEWERS);
    assert.equal(viewers.count(20_000), 0);
  });
});
