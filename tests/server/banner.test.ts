import assert from "node:assert/strict";
import { test } from "node:test";
import { banner } from "../../server/banner.ts";
import { parseConfig } from "../../server/config/config.ts";

const bannerOf = (args: readonly string[], tls?: { selfSigned: boolean; fingerprint: string }) =>
  banner(
    { name: "node", version: "26" },
    {
      endpoints: [{ host: "::", port: 8080 }],
      udpEndpoints: [{ host: "::", port: 8080 }],
      tls,
    },
    parseConfig({}, args).config,
  );

test("what is turned off is not told", () => {
  const off = ["--rtmp.enabled", "off", "--vhost.hls.enabled", "off", "--demo", "off"];
  assert.doesNotMatch(bannerOf(off), /RTMP|HLS|Demo/);
  assert.doesNotMatch(bannerOf(["--rtc_server.enabled", "off"]), /WHIP|WHEP|Publish|Demo/);
  const bare = bannerOf(["--http_server.enabled", "off"]);
  assert.match(bare, /Health {4}http:\/\/localhost:8080\/healthz/);
  assert.doesNotMatch(bare, /Open|Watch|HLS|FLV/);
});

test("with TLS it tells https addresses and the certificate", () => {
  const text = bannerOf([], { selfSigned: true, fingerprint: "AB:CD" });
  assert.match(text, /Open {6}https:\/\/localhost:8080\//);
  assert.match(text, /Certificate \(self-signed\) AB:CD/);
});
