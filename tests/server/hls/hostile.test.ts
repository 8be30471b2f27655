import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRuntime } from "../../../runtime/mod.ts";
import { HlsViewers } from "../../../server/hls/mod.ts";
import { MAX_VIEWERS_PER_ADDRESS } from "../../../server/hls/viewers.ts";
import type { Entered, Visitor } from "../../../server/hooks/mod.ts";
import { nameOf } from "./feed.ts";
import { served } from "./fixture.ts";

const NAME = nameOf("live/one");

function visitor(address: string, param = ""): Visitor {
  const { app, stream } = NAME;
  return { action: "play", app, stream, token: "", address, param, tcUrl: "", pageUrl: "" };
}

/** Hooks that let in who knows the secret. */
async function viewers(): Promise<HlsViewers> {
  const { crypto } = await loadRuntime();
  return new HlsViewers(crypto, {
    enter: ({ param }): Promise<Entered> => {
      const visit = { id: "x", began: () => {}, left: () => {} };
      if (param.includes("secret=1")) return Promise.resolve({ admitted: true, visit });
      return Promise.resolve({ admitted: false, status: 403, reason: "no" });
    },
  });
}

test("names nobody publishes leave room for streams that are published", async (t) => {
  const published = (name: { readonly stream: string }): boolean => name.stream === "one";
  const { hls, get } = await served(t, { maxStreams: 8, published });
  for (let i = 0; i < 20; i++) hls.open(nameOf(`live/x${i}`), "aac");
  assert.equal(hls.streams, 2);
  assert.equal((await get("/live/another.m3u8")).status, 503);
  assert.ok(hls.open(NAME, "aac"));
});

test("hooks are asked for who has no secret, though one of his address and browser has come in", async () => {
  const all = await viewers();
  const ask = async (param: string): Promise<boolean> =>
    (await all.enter(NAME, "Firefox", visitor("192.0.2.1", param), 0)).admitted;
  assert.equal(await ask("?secret=1"), true);
  assert.equal(await ask(""), false);
  assert.equal(await ask("?secret=2"), false);
  assert.equal(await ask("?secret=1&_HLS_msn=7&_HLS_part=1"), true);
  assert.equal(await ask("?_HLS_skip=YES&secret=1"), true);
  assert.equal(all.size, 1, "a reload is the same viewer");
});

test("who adds the time to each request, to get past caches, is one viewer; nothing else is passed over", async () => {
  const all = await viewers();
  const ask = async (param: string): Promise<boolean> =>
    (await all.enter(NAME, "Firefox", visitor("192.0.2.1", param), 0)).admitted;
  for (const time of ["1795405384783", "1795405385001", "7"]) {
    assert.equal(await ask(`?secret=1&_=${time}`), true);
    assert.equal(await ask(`?_=${time}&secret=1&_HLS_msn=3`), true);
  }
  assert.equal(all.size, 1);
  assert.equal(await ask("?secret=2&_=7"), false);
  for (const other of ["_=a7", "_=7&_=b", "__=7", "t=7", "_=123456789012345678901"]) {
    const before: number = all.size;
    assert.equal(await ask(`?secret=1&${other}`), true);
    assert.equal(all.size, before + 1, other);
  }
});

test("one address leaves room for others, and gets its own back", async () => {
  const all = await viewers();
  const ask = async (address: string, agent: number, now = 0): Promise<boolean> =>
    (await all.enter(NAME, `${agent}`, visitor(address, "?secret=1"), now)).admitted;
  for (let i = 0; i < MAX_VIEWERS_PER_ADDRESS; i++) assert.equal(await ask("192.0.2.1", i), true);
  assert.equal(await ask("192.0.2.1", -1), false);
  assert.equal(await ask("192.0.2.2", -1), true);
  all.forgetIdle(60_000);
  assert.equal(await ask("192.0.2.1", -1, 60_000), true);
});
