import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readSettings } from "../../web/lib/settings.ts";
import { readWebrtcUrl, webrtcUrl } from "../../web/lib/webrtc_url.ts";

const page = new URL("https://localhost:8088/players/rtc_player.html?api=8088");

describe("webrtc:// URLs", () => {
  test("name the server and the stream that the page's queries name", () => {
    assert.equal(webrtcUrl(readSettings(page)), "webrtc://localhost:8088/live/livestream");
    const other = new URL("http://h:1/players/rtc_player.html?server=10.0.0.1&api=1985&app=a");
    assert.equal(webrtcUrl(readSettings(other)), "webrtc://10.0.0.1:1985/a/livestream");
  });

  test("are read: host, port, app, stream; by the page's scheme, or that of schema", () => {
    assert.deepEqual(readWebrtcUrl("webrtc://localhost:8088/live/livestream", page), {
      origin: "https://localhost:8088",
      app: "live",
      stream: "livestream",
    });
    assert.equal(readWebrtcUrl("webrtc://[::1]:1985/a/b", page)?.origin, "https://[::1]:1985");
    const plain = new URL("https://h/players/rtc_player.html?schema=http");
    assert.equal(readWebrtcUrl(" webrtc://h:1985/a/b ", plain)?.origin, "http://h:1985");
  });

  test("without a port have the page's for its own host, the scheme's for another", () => {
    assert.equal(readWebrtcUrl("webrtc://LOCALHOST/a/b", page)?.origin, "https://localhost:8088");
    assert.equal(readWebrtcUrl("webrtc://example.org/a/b", page)?.origin, "https://example.org");
  });

  test("of another form are none", () => {
    for (const text of [
      "",
      "http://h/a/b",
      "webrtc://h/a",
      "webrtc://h/a/b/c",
      "webrtc:///a/b",
      "webrtc://h/.a/b",
      "webrtc://h:99999/a/b",
      "webrtc://u@h:x/a/b",
    ])
      assert.equal(readWebrtcUrl(text, page), undefined, text);
  });
});
