import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endpoint, readSettings } from "../../web/lib/settings.ts";

const whip = (page: string): string => endpoint(readSettings(new URL(page)), "whip").href;

describe("the address of a page", () => {
  test("defaults to live/livestream on the port the page came from", () => {
    assert.equal(
      whip("http://10.0.0.1:8080/players/whip.html"),
      "http://10.0.0.1:8080/rtc/v1/whip/?app=live&stream=livestream",
    );
    assert.equal(
      whip("https://example.org/players/whip.html"),
      "https://example.org/rtc/v1/whip/?app=live&stream=livestream",
    );
    assert.equal(
      whip("http://[::1]:8080/players/whip.html"),
      "http://[::1]:8080/rtc/v1/whip/?app=live&stream=livestream",
    );
  });

  test("takes the queries of SRS's pages: api, app, stream, server, schema, autostart", () => {
    assert.equal(
      whip("http://localhost:8080/players/whip.html?autostart=true&api=1985&app=a&stream=b"),
      "http://localhost:1985/rtc/v1/whip/?app=a&stream=b",
    );
    assert.equal(
      whip("http://localhost:8080/players/whip.html?server=example.org&schema=https&api=8088"),
      "https://example.org:8088/rtc/v1/whip/?app=live&stream=livestream",
    );
    assert.equal(
      whip("http://localhost:8080/players/whip.html?server=example.org:9000"),
      "http://example.org:9000/rtc/v1/whip/?app=live&stream=livestream",
    );
    const settings = readSettings(new URL("http://localhost/?autostart=true&token=secret"));
    assert.equal(settings.autostart, true);
    assert.equal(settings.token, "secret");
    assert.equal(readSettings(new URL("http://localhost/?autostart=1")).autostart, false);
  });

  test("passes eip, codec and queries it does not know on, and the token not", () => {
    const page = "http://h:1/players/whip.html?token=t&eip=10.0.0.1&eip=10.0.0.2&codec=vp9&vhost=v";
    assert.equal(
      whip(page),
      "http://h:1/rtc/v1/whip/?app=live&stream=livestream&codec=vp9&eip=10.0.0.1&eip=10.0.0.2&vhost=v",
    );
  });
});
