import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import {
  brokenRules,
  brokenVariants,
  type ReadPlaylist,
  readMultivariant,
  readPlaylist,
} from "../../core/egress/hls/playlist_rules.ts";
import { H264, OPUS } from "../../core/egress/hls/stage.ts";
import { brokenPackets } from "../../core/egress/ts/packet_rules.ts";
import { AAC } from "../../core/egress/ts/stage.ts";
import { nameOf } from "./feed.ts";
import { live, MULTIVARIANT, PATH, type Served, served } from "./fixture.ts";

describe("the multivariant playlist", () => {
  test("names both renditions with what players need to choose, and keeps the rules", async (t) => {
    const { get } = await live(t, 9000);
    const answer = await get(MULTIVARIANT);
    assert.equal(answer.headers.get("content-type"), "application/vnd.apple.mpegurl");
    assert.equal(answer.headers.get("cache-control"), "max-age=1");
    assert.equal(answer.headers.get("set-cookie"), null);
    const text = await answer.text();
    const variants = readMultivariant(text);
    const lists: Record<string, string> = {};
    for (const { uri } of variants) lists[uri] = await (await get(`/live/${uri}`)).text();
    assert.deepEqual(Object.keys(lists), ["one/media.m3u8", "one/audio.m3u8"]);
    assert.deepEqual(brokenVariants(text, lists), []);
    for (const list of Object.values(lists)) assert.deepEqual(brokenRules(list), []);
    const [media, audio] = variants.map(({ attributes }) => attributes);
    assert.equal(media?.["RESOLUTION"], "640x360");
    assert.equal(media?.["FRAME-RATE"], "25.000");
    assert.equal(media?.["CODECS"], "avc1.42c01e,Opus");
    assert.equal(audio?.["CODECS"], "Opus");
    // 25 pictures of 100 bytes and 50 packets of 50 a second, and boxes.
    const bits = Number(media?.["BANDWIDTH"]);
    assert.ok(bits > 40_000 && bits < 90_000, `${bits}`);
    assert.ok(Number(audio?.["BANDWIDTH"]) < bits);
  });

  test("comes when two segments are complete", async (t) => {
    const { feed, get } = await served(t);
    const asked = get(MULTIVARIANT);
    await new Promise((wake) => setTimeout(wake, 20));
    feed.formats();
    feed.play(3900);
    const early = await Promise.race([asked, new Promise((wake) => setTimeout(wake, 50))]);
    assert.equal(early, undefined);
    feed.play(200);
    assert.equal((await asked).status, 200);
  });

  test("its query goes along to the playlists it names", async (t) => {
    const { feed, hls, get } = await served(t, { admitted: false });
    hls.open(nameOf("live/one"), "opus");
    feed.formats();
    feed.play(6000);
    const answer = await get(`${MULTIVARIANT}?audio=opus&token=key&x=%22&_HLS_skip=YES`);
    const uris = readMultivariant(await answer.text()).map(({ uri }) => uri);
    assert.deepEqual(uris, [
      "one/media.m3u8?audio=opus&token=key&x=%22",
      "one/audio.m3u8?audio=opus&token=key&x=%22",
    ]);
    assert.equal((await get("/live/one/media.m3u8?audio=opus")).status, 401);
    const list = readPlaylist(await (await get(`/live/${uris[0]}`)).text());
    assert.deepEqual(
      list.reports.map(({ URI }) => URI),
      ["audio.m3u8?audio=opus&token=key&x=%22"],
    );
  });

  test("the rendition of sound alone is MP4 of its own, part by part", async (t) => {
    const { get } = await live(t, 9000);
    const list = readPlaylist(await (await get("/live/one/audio.m3u8")).text());
    const [segment] = list.segments;
    const init = await get(`/live/one/${segment?.map}`);
    assert.equal(init.headers.get("content-type"), "audio/mp4");
    const text = Buffer.from(await init.arrayBuffer()).toString("latin1");
    assert.ok(text.includes("soun") && !text.includes("vide"));
    const whole = Buffer.from(await (await get(`/live/one/${segment?.uri}`)).arrayBuffer());
    const parts = segment?.parts.map(async ({ uri }) =>
      (await get(`/live/one/${uri}`)).arrayBuffer(),
    );
    const joined = (await Promise.all(parts ?? [])).map((one) => Buffer.from(one));
    assert.ok(whole.length > 0 && whole.equals(Buffer.concat(joined)));
  });

  test("names one rendition while there is one track", async (t) => {
    const { feed, hls, get } = await served(t);
    hls.open(nameOf("live/one"), "aac");
    for (const { sink } of feed.taps) sink.handleFormat(H264);
    feed.play(9000, 100, { sound: false });
    const variants = readMultivariant(await (await get(MULTIVARIANT)).text());
    assert.deepEqual(
      variants.map(({ attributes }) => attributes["CODECS"]),
      ["avc1.42c01e"],
    );
    // A player may be on the other one when sound ceases.
    const list = readPlaylist(await (await get("/live/one/audio.m3u8")).text());
    assert.ok(list.segments.every(({ gap }) => gap));
    assert.equal((await get(`/live/one/${list.segments[0]?.uri}`)).status, 404);
  });

  test("another codec and size: another init segment behind a discontinuity, in both renditions", async (t) => {
    const { feed, get } = await live(t, 6000);
    const vp9 = { codec: "vp9", codecString: "vp09.00.31.08", width: 1280, height: 720 } as const;
    feed.formats(OPUS, { ...H264, ...vp9, configuration: new Uint8Array(8) });
    feed.play(6000);
    const text = await (await get(MULTIVARIANT)).text();
    const lists: Record<string, string> = {};
    for (const { uri } of readMultivariant(text))
      lists[uri] = await (await get(`/live/${uri}`)).text();
    assert.deepEqual(brokenVariants(text, lists), []);
    for (const [uri, list] of Object.entries(lists)) {
      const { segments } = readPlaylist(list);
      const changed = segments.filter(({ discontinuity }) => discontinuity);
      assert.equal(changed.length, 1, uri);
      const inits = new Set(segments.map(({ map }) => map));
      assert.equal(inits.size, 2, uri);
      for (const init of inits) assert.equal((await get(`/live/one/${init}`)).status, 200);
    }
    const [media] = readMultivariant(text);
    assert.equal(media?.attributes["CODECS"], "vp09.00.31.08,Opus");
    assert.equal(media?.attributes["RESOLUTION"], "1280x720");
  });

  test("sound that no silence is known of holds up nothing: the rendition of it has gaps until it comes", async (t) => {
    const { feed, hls, get } = await served(t);
    hls.open(nameOf("live/one"), "aac");
    feed.formats({ ...AAC, codecString: "mp4a.40.5" });
    feed.play(6000);
    feed.play(8000, 100, { sound: false });
    const audio = async (): Promise<ReadPlaylist> =>
      readPlaylist(await (await get("/live/one/audio.m3u8")).text());
    const without = await audio();
    assert.ok(without.segments.at(-1)?.gap);
    feed.play(6000);
    const again = await audio();
    const newest = again.segments.at(-1);
    assert.ok(newest?.gap === false && newest.map !== without.segments[0]?.map);
    const media = readPlaylist(await (await get(PATH)).text());
    assert.ok(media.segments.every(({ duration }) => duration <= 3.4));
    assert.equal(media.segments.length, again.segments.length);
  });

  test("numbers do not go back when a stream is made into HLS anew", async (t) => {
    const { feed, get } = await live(t, 4500);
    const { get: later, feed: other } = await served(t, { wallClock: () => 1_767_225_600_000 });
    void feed;
    const asked = later(PATH);
    await new Promise((wake) => setTimeout(wake, 20));
    other.formats();
    other.play(4500);
    const [old, now] = [
      readPlaylist(await (await get(PATH)).text()),
      readPlaylist(await (await asked).text()),
    ];
    assert.deepEqual([old.sequence, now.sequence], [0, 1_767_225_600]);
  });

  test("whoever wants to know is told of each complete segment", async (t) => {
    const { segments } = await live(t, 6100);
    assert.deepEqual(
      segments.map(({ stream, audio, entry }) => [stream.key, audio, entry.number, entry.duration]),
      [0, 1, 2].map((number) => ["live/one", "aac", number, 2000]),
    );
    assert.ok(
      segments.every(({ bytes, init, name }) => bytes.length > 0 && init && /m4s$/.test(name)),
    );
  });
});

describe("MPEG-TS", () => {
  async function ts(t: TestContext): Promise<Served> {
    const one = await served(t, { ts: true });
    one.hls.open(nameOf("live/one"), "aac");
    one.feed.formats(AAC);
    one.feed.play(9000);
    return one;
  }

  test("with hls_ts the playlists have version 3 and transport streams", async (t) => {
    const { get } = await ts(t);
    const text = await (await get(MULTIVARIANT)).text();
    assert.match(text, /^#EXTM3U\n#EXT-X-VERSION:3\n/);
    const lists: Record<string, string> = {};
    for (const { uri } of readMultivariant(text))
      lists[uri] = await (await get(`/live/${uri}`)).text();
    assert.deepEqual(brokenVariants(text, lists), []);
    for (const list of Object.values(lists)) {
      assert.deepEqual(brokenRules(list), []);
      const { version, segments } = readPlaylist(list);
      assert.equal(version, 3);
      for (const { uri } of segments) {
        const answer = await get(`/live/one/${uri}`);
        assert.equal(answer.headers.get("content-type"), "video/mp2t");
        assert.match(answer.headers.get("cache-control") ?? "", /immutable/);
        assert.deepEqual(brokenPackets(new Uint8Array(await answer.arrayBuffer())), []);
      }
    }
  });

  test("400 for Opus, which players do not take there", async (t) => {
    const { get } = await ts(t);
    assert.equal((await get(`${MULTIVARIANT}?audio=opus`)).status, 400);
  });
});
