import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bufferOf, sourceOf, streamUrl } from "../../web/lib/flv_settings.ts";

const page = (query: string, base = "http://localhost:8080"): string =>
  streamUrl(new URL(`${base}/players/srs_player.html${query}`)).href;

describe("the address that srs_player.html plays", () => {
  test("of the article's pages is the article's", () => {
    assert.equal(page("?autostart=true"), "http://localhost:8080/live/livestream.flv");
    assert.equal(
      page("?stream=livestream.m3u8&autostart=true"),
      "http://localhost:8080/live/livestream.m3u8",
    );
    const https = "https://localhost:8088";
    assert.equal(page("?schema=https&port=8088", https), `${https}/live/livestream.flv`);
    assert.equal(
      page("?schema=https&port=8088&stream=livestream.m3u8", https),
      `${https}/live/livestream.m3u8`,
    );
  });

  test("takes server, app, ws, and passes on what is not the page's", () => {
    assert.equal(
      page("?schema=ws&server=10.0.0.1&port=1985&app=a&stream=b.flv&buffer=2&vhost=v&token=t"),
      "ws://10.0.0.1:1985/a/b.flv?token=t",
    );
    assert.equal(page("?server=example.org"), "http://example.org/live/livestream.flv");
    assert.equal(page("", "http://[::1]:8080"), "http://[::1]:8080/live/livestream.flv");
  });

  test("is read back: what plays it, and its name", () => {
    const kinds = [
      ...["http://h/a/b.flv", "wss://h/a/b.flv", "https://h/a/b.m3u8?x=1"],
      ...["http://h/a/b.ts", "ws://h/a/b.ts"],
    ].map((text) => sourceOf(text, 2)?.kind);
    assert.deepEqual(kinds, ["flv", "flv", "hls", "ts", "ts"]);
    assert.equal(page("?stream=b.ts"), `${page("?stream=b").slice(0, -4)}.ts`);
    assert.equal(sourceOf(" http://h/a/b.flv ", 2)?.name, "a/b");
    for (const text of ["", "a/b.flv", "ws://h/a/b.m3u8", "ftp://h/a/b.flv", "http://h/a/b.mp4"])
      assert.equal(sourceOf(text, undefined), undefined, text);
  });

  test("buffer is seconds from 0 to 60, or none", () => {
    const read = (query: string): unknown => bufferOf(new URL(`http://h/${query}`));
    assert.deepEqual(
      [
        "?buffer=0",
        "?buffer=1.5",
        "?buffer=60",
        "?buffer=61",
        "?buffer=-1",
        "?buffer=x",
        "?buffer=",
        "",
      ].map(read),
      [0, 1.5, 60, undefined, undefined, undefined, undefined, undefined],
    );
  });
});
