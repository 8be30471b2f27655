import assert from "node:assert/strict";
import { test } from "node:test";
import type { InterfaceAddress } from "../../core/base/mod.ts";
import {
  type CandidateSources,
  candidateAddresses,
  hostOnly,
  isAddress,
  parseCandidate,
} from "../../server/candidates.ts";

const interfaces: InterfaceAddress[] = [
  { name: "lo", address: "127.0.0.1", family: "ipv4", internal: true },
  { name: "eth0", address: "192.0.2.2", family: "ipv4", internal: false },
  { name: "eth0", address: "2001:db8::2", family: "ipv6", internal: false },
  { name: "eth0", address: "fe80::2", family: "ipv6", internal: false },
];
const none: CandidateSources = {
  query: [],
  configured: ["*"],
  requestHost: undefined,
  interfaces,
  family: "ipv4",
  port: 8080,
};
const hosts = (sources: Partial<CandidateSources>): string[] =>
  candidateAddresses({ ...none, ...sources }).map((one) => `${one.host}|${one.port}`);

test("the query wins over the setting, the setting over Host, Host over the interfaces", () => {
  const configured = ["198.51.100.7"];
  const requestHost = "203.0.113.1:8080";
  assert.deepEqual(hosts({ query: ["192.0.2.9:443"], configured, requestHost }), ["192.0.2.9|443"]);
  assert.deepEqual(hosts({ configured, requestHost }), ["198.51.100.7|8080"]);
  assert.deepEqual(hosts({ requestHost }), ["203.0.113.1|8080"]);
  assert.deepEqual(hosts({}), ["192.0.2.2|8080"]);
});

test("for localhost the interfaces follow 127.0.0.1, because Firefox gathers no loopback address", () => {
  for (const requestHost of ["localhost:8080", "127.0.0.1"]) {
    assert.deepEqual(hosts({ requestHost }), ["127.0.0.1|8080", "192.0.2.2|8080"]);
  }
  assert.deepEqual(hosts({ requestHost: "[::1]:8080", family: "all" }), [
    "::1|8080",
    "192.0.2.2|8080",
    "2001:db8::2|8080",
  ]);
});

test("a name as Host is no address: the interfaces are offered", () => {
  assert.deepEqual(hosts({ requestHost: "media.example:8080" }), ["192.0.2.2|8080"]);
});

test("a machine without addresses offers itself", () => {
  assert.deepEqual(hosts({ interfaces: [] }), ["127.0.0.1|8080"]);
});

test("queries that are no candidates count for nothing", () => {
  assert.deepEqual(hosts({ query: ["1.2.3.4\r\na=x", "300.1.1.1", "a b", "x:0", "[zz]:1"] }), [
    "192.0.2.2|8080",
  ]);
});

test("candidates are few, however many are asked for", () => {
  assert.equal(hosts({ query: Array.from({ length: 100 }, (_, i) => `192.0.2.${i}`) }).length, 8);
});

test("addresses, ports and brackets are told apart", () => {
  assert.deepEqual(parseCandidate("2001:db8::1", 1), { host: "2001:db8::1", port: 1 });
  assert.deepEqual(parseCandidate("[2001:db8::1]:99", 1), { host: "2001:db8::1", port: 99 });
  assert.deepEqual(parseCandidate("name.example:5", 1), { host: "name.example", port: 5 });
  assert.equal(hostOnly("[::1]:80"), "::1");
  assert.equal(hostOnly("Example:80"), "example");
  for (const right of ["::", "::1", "1::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "0.0.0.0"])
    assert.ok(isAddress(right), right);
  for (const wrong of [
    "",
    ":",
    ":::",
    "1:2",
    "1:2:3:4:5:6:7:8:9",
    "::1::",
    "256.1.1.1",
    "01.2.3.4",
    "g::",
  ]) {
    assert.ok(!isAddress(wrong), wrong);
  }
});
