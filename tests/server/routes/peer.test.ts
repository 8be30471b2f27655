import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressRanges } from "../../../server/address_ranges.ts";
import { type Peer, peerOf } from "../../../server/routes/peer.ts";

const LOCAL = { host: "10.0.0.9", port: 8080 };

function peer(headers: Record<string, string>, from = "10.0.0.1", secure = false): Peer {
  const proxies = new AddressRanges(["10.0.0.0/24", "fd00::/8"]);
  const remote = { host: from, port: 50_000 };
  return peerOf(new Headers(headers), { remote, local: LOCAL, secure }, proxies);
}

test("the client is the first address from the right that is no trusted proxy", () => {
  const address = (value: string, from?: string): string =>
    peer({ "x-forwarded-for": value }, from).address;
  assert.equal(address("203.0.113.9"), "203.0.113.9");
  assert.equal(address("192.0.2.1, 203.0.113.9, 10.0.0.7"), "203.0.113.9");
  assert.equal(address("203.0.113.9, nonsense, 10.0.0.7"), "10.0.0.7");
  assert.equal(address("203.0.113.9:5123"), "203.0.113.9");
  assert.equal(address("[2001:db8::9]:5123"), "2001:db8::9");
  assert.equal(address("2001:db8::9", "fd00::1"), "2001:db8::9");
  assert.equal(address("203.0.113.9", "192.0.2.77"), "192.0.2.77");
});

test("Forwarded counts where there is no X-Forwarded-For, X-Real-IP where there is neither", () => {
  const forwarded = 'for="[2001:db8::17]:4711";proto=https;host="media.example:8443", for=10.0.0.2';
  const seen = peer({ forwarded, "x-real-ip": "192.0.2.5" });
  assert.equal(seen.address, "2001:db8::17");
  assert.equal(seen.host, "media.example:8443");
  assert.equal(seen.port, 8443);
  assert.equal(peer({ forwarded, "x-forwarded-for": "192.0.2.4" }).address, "192.0.2.4");
  assert.equal(peer({ forwarded, "x-forwarded-for": "192.0.2.4" }).host, "");
  assert.equal(peer({ "x-real-ip": "192.0.2.5" }).address, "192.0.2.5");
});

test("the port is that in Host, 80 or 443 where it has none", () => {
  const port = (host: string, secure = false): number | undefined =>
    peer({ host }, "192.0.2.77", secure).port;
  assert.equal(port("media.example:8443"), 8443);
  assert.equal(port("[2001:db8::1]:99"), 99);
  assert.equal(port("media.example"), 80);
  assert.equal(port("[2001:db8::1]", true), 443);
  assert.equal(port("media.example:0"), 80);
  assert.equal(port("media.example:65536"), 80);
});

test("a trusted proxy tells host, port and scheme; others do not", () => {
  const headers = {
    host: "backend:8080",
    "x-forwarded-for": "203.0.113.9",
    "x-forwarded-host": "media.example, inner",
    "x-forwarded-proto": "https",
  };
  assert.deepEqual(peer(headers), {
    address: "203.0.113.9",
    direct: "10.0.0.1",
    trusted: true,
    local: LOCAL,
    host: "media.example",
    port: 443,
    proxied: true,
  });
  assert.equal(peer({ ...headers, "x-forwarded-port": "8443" }).port, 8443);
  assert.equal(peer({ ...headers, "x-forwarded-port": "8443 x" }).port, 443);
  const stranger = peer(headers, "192.0.2.77");
  assert.equal(stranger.host, "backend:8080");
  assert.equal(stranger.port, 8080);
  assert.equal(stranger.address, "192.0.2.77");
  assert.ok(stranger.proxied, "its fields tell of a proxy all the same");
  assert.ok(!peer({ host: "a" }, "192.0.2.77").proxied);
});

test("a trusted proxy that tells no scheme and no port leaves the port open", () => {
  assert.equal(peer({ host: "media.example" }).port, undefined);
  assert.equal(peer({ host: "media.example:444" }).port, 444);
});
