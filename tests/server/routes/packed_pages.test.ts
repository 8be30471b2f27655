import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { assets, packedAssets } from "../../../server/assets.gen.ts";
import { pageRoutes } from "../../../server/routes/pages.ts";

const app = pageRoutes(assets, packedAssets);
const path = "/players/vendor/hls.js";

const hash = (bytes: ArrayBuffer): string =>
  `"${createHash("sha256").update(Buffer.from(bytes)).digest("hex").slice(0, 16)}"`;

/** `null` leaves Accept-Encoding out. */
async function get(encoding: string | null, more: Record<string, string> = {}): Promise<Response> {
  const headers = { ...more, ...(encoding === null ? {} : { "accept-encoding": encoding }) };
  return await app.request(path, { headers });
}

describe("files of packages", () => {
  test("go out as they are packed to who takes gzip (RFC 9110 §12.5.3)", async () => {
    for (const encoding of ["gzip", "gzip, deflate, br, zstd", "*", "br, GZIP;q=0.5"]) {
      const answer = await get(encoding);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-encoding"), "gzip", encoding);
      assert.equal(answer.headers.get("vary"), "Accept-Encoding");
      const gzip = await answer.arrayBuffer();
      const plain = new Blob([gzip]).stream().pipeThrough(new DecompressionStream("gzip"));
      assert.equal(hash(await new Response(plain).arrayBuffer()), packedAssets[path]?.etag);
    }
  });

  test("go out unpacked to who does not", async () => {
    for (const encoding of [null, "", "identity", "br", "gzip;q=0", "gzip;q=0.000, br", "xgzip"]) {
      const answer = await get(encoding);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-encoding"), null, String(encoding));
      const body = await answer.arrayBuffer();
      assert.equal(hash(body), packedAssets[path]?.etag);
      assert.match(answer.headers.get("content-type") ?? "", /^text\/javascript/);
    }
  });

  test("have another strong validator packed and unpacked (§8.8.3.3), and 304 for each", async () => {
    const tags = await Promise.all(
      ["gzip", "identity"].map(async (one) => (await get(one)).headers.get("etag") ?? ""),
    );
    assert.notEqual(tags[0], tags[1]);
    assert.equal((await get("gzip", { "if-none-match": tags[0] ?? "" })).status, 304);
    assert.equal((await get("gzip", { "if-none-match": tags[1] ?? "" })).status, 200);
    assert.equal((await get("identity", { "if-none-match": tags[1] ?? "" })).status, 304);
  });

  test("come with their licences", async () => {
    const text = await (await app.request("/players/vendor/licenses.txt")).text();
    assert.match(text, /^hls\.js \d/);
    assert.match(text, /^mpegts\.js \d[\s\S]*Apache License\s+Version 2\.0/m);
    assert.match(text, /^es6-promise \d[\s\S]*Permission is hereby granted/m);
  });
});

test("every /watch/APP/STREAM is the page that watches, and nothing else is", async () => {
  const page = await (await app.request("/watch/live/demo")).text();
  assert.equal(page, assets["/players/watch.html"]?.body);
  for (const none of ["/watch/live", "/watch/live/", "/watch/a/b/c"])
    assert.equal((await app.request(none)).status, 404, none);
  const wrong = await app.request("/watch/live/ba%20d");
  assert.equal(wrong.status, 404);
  assert.match(await wrong.text(), /stream "ba d" is not 1 to 128 of \[A-Za-z0-9\._-\]/);
});
