import assert from "node:assert/strict";
import { test } from "node:test";
import type { InterfaceAddress } from "../../../core/base/mod.ts";
import {
  type CandidatePorts,
  type CandidateSources,
  candidateAddresses,
  candidatePorts,
  hostOnly,
  isAddress,
  parseCandidate,
  parseCandidates,
} from "../../../server/candidates/candidates.ts";

const interfaces: InterfaceAddress[] = [
  { name: "lo", address: "127.0.0.1", family: "ipv4", internal: true },
  { name: "eth0", address: "192.0.2.2", family: "ipv4", internal: false },
  { name: "eth1", address: "10.0.0.2", family: "ipv4", internal: false },
  { name: "eth0", address: "2001:db8::2", family: "ipv6", internal: false },
  { name: "eth0", address: "fe80::2", family: "ipv6", internal: false },
];
const none: CandidateSources = {
  query: [],
  configured: [],
  host: [],
  local: { host: "192.0.2.2", port: 8080 },
  client: "203.0.113.77",
  interfaces,
  family: "ipv4",
};
const PORTS: CandidatePorts = { outside: [8080], own: 8080, reached: 8080 };
const offered = (sources: Partial<CandidateSources>, ports: CandidatePorts = PORTS): string[] =>
  candidateAddresses({ ...none, ...sources }, ports).map(
    (one) => `${one.source} ${one.host}|${one.port}`,
  );
const read = (text: string) => parseCandidates(text);

test("the query stands alone", () => {
  const sources = { configured: read("198.51.100.7"), host: ["203.0.113.1"] };
  assert.deepEqual(offered({ query: read("192.0.2.9:443, 192.0.2.10"), ...sources }), [
    "query 192.0.2.9|443",
    "query 192.0.2.10|8080",
  ]);
});

test("Host follows the setting, and no interface does", () => {
  assert.deepEqual(offered({ configured: read("198.51.100.7"), host: ["203.0.113.1"] }), [
    "configured 198.51.100.7|8080",
    "host 203.0.113.1|8080",
  ]);
  assert.deepEqual(offered({ configured: read("198.51.100.7") }), ["configured 198.51.100.7|8080"]);
});

test("a port in the setting is that of its address, whatever Host says", () => {
  const host = ["198.51.100.7", "203.0.113.1"];
  const ports = { ...PORTS, outside: [443, 8080] };
  assert.deepEqual(offered({ configured: read("198.51.100.7:8443"), host }, ports), [
    "configured 198.51.100.7|8443",
    "host 203.0.113.1|443",
    "host 203.0.113.1|8080",
  ]);
});

test("who came to an address of ours by its name or number needs no other", () => {
  assert.deepEqual(offered({ host: ["192.0.2.2"] }), ["host 192.0.2.2|8080"]);
  assert.deepEqual(offered({ host: ["192.0.2.2"] }, { ...PORTS, outside: [443] }), [
    "host 192.0.2.2|443",
    "connection 192.0.2.2|8080",
  ]);
});

test("the address the connection came to goes before those of the interfaces", () => {
  const local = { host: "2001:db8::2", port: 8080 };
  assert.deepEqual(offered({ local, client: "10.9.9.9" }), [
    "connection 2001:db8::2|8080",
    "interface 192.0.2.2|8080",
    "interface 10.0.0.2|8080",
  ]);
});

test("a private address is offered to those outside only when there is no other", () => {
  assert.deepEqual(offered({ host: ["203.0.113.1"] }), [
    "host 203.0.113.1|8080",
    "connection 192.0.2.2|8080",
  ]);
  const inside = { interfaces: interfaces.slice(2, 3), local: { host: "172.17.0.2", port: 8080 } };
  assert.deepEqual(offered({ ...inside, host: ["203.0.113.1"] }), ["host 203.0.113.1|8080"]);
  const own = ["connection 172.17.0.2|8080", "interface 10.0.0.2|8080"];
  assert.deepEqual(offered(inside), own);
  assert.deepEqual(offered({ ...inside, host: ["10.0.0.99"], client: "10.0.0.7" }), [
    "host 10.0.0.99|8080",
    ...own,
  ]);
});

test("for localhost the interfaces follow 127.0.0.1, because Firefox gathers no loopback address", () => {
  const local = { host: "127.0.0.1", port: 8080 };
  const sources = { local, client: "127.0.0.1", interfaces: interfaces.slice(0, 2) };
  assert.deepEqual(offered({ ...sources, host: ["127.0.0.1"] }), [
    "host 127.0.0.1|8080",
    "interface 192.0.2.2|8080",
  ]);
  assert.deepEqual(offered({ ...sources, interfaces: [], host: [] }), ["interface 127.0.0.1|8080"]);
});

test("candidates are few, and each once", () => {
  const many = Array.from({ length: 100 }, (_, i) => `192.0.2.${i}`).join(" ");
  assert.equal(offered({ query: read(many) }).length, 8);
  assert.deepEqual(offered({ query: read("192.0.2.1 192.0.2.1:8080,192.0.2.1") }), [
    "query 192.0.2.1|8080",
  ]);
});

test("the port outside is the one in Host, where containers map ports", () => {
  const facts = { local: 8080, client: 443, proxied: false, media: [8080], ours: [8080] };
  assert.deepEqual(candidatePorts(facts), { outside: [443, 8080], own: 8080, reached: 8080 });
  assert.deepEqual(candidatePorts({ ...facts, client: 8080 }), {
    outside: [8080],
    own: 8080,
    reached: 8080,
  });
  assert.deepEqual(candidatePorts({ ...facts, client: undefined }), {
    outside: [8080],
    own: 8080,
    reached: 8080,
  });
});

test("the port of a proxy that speaks HTTP comes last: media cannot pass it", () => {
  const facts = { local: 8080, client: 443, proxied: true, media: [8080], ours: [8080] };
  assert.deepEqual(candidatePorts(facts), { outside: [8080, 443], own: 8080, reached: 8080 });
});

test("the port in a PROXY header is the one outside, ours the one inside", () => {
  const facts = { local: 443, client: undefined, proxied: false, media: [8080], ours: [8080] };
  assert.deepEqual(candidatePorts(facts), { outside: [443], own: 8080, reached: 443 });
  assert.deepEqual(candidatePorts({ ...facts, client: 443 }), {
    outside: [443],
    own: 8080,
    reached: 443,
  });
});

test("a listener that is named for media has its own port", () => {
  const facts = { local: 8080, client: 443, proxied: false, media: [8443], ours: [8080, 8443] };
  assert.deepEqual(candidatePorts(facts), { outside: [8443], own: 8443, reached: 8443 });
  assert.deepEqual(candidatePorts({ ...facts, local: 8443 }), {
    outside: [443, 8443],
    own: 8443,
    reached: 8443,
  });
});

test("addresses, ports and brackets are told apart", () => {
  assert.deepEqual(parseCandidate("2001:DB8:0::1"), { host: "2001:db8::1", port: undefined });
  assert.deepEqual(parseCandidate("[2001:db8::1]:99"), { host: "2001:db8::1", port: 99 });
  assert.deepEqual(parseCandidate("::ffff:192.0.2.1"), { host: "192.0.2.1", port: undefined });
  assert.deepEqual(parseCandidate("Name.Example:5"), { host: "name.example", port: 5 });
  for (const wrong of [
    "1.2.3.4\r\na=x",
    "300.1.1.1",
    "a b",
    "x:0",
    "x:65536",
    "[zz]:1",
    "",
    "[::1",
  ])
    assert.equal(parseCandidate(wrong), undefined, wrong);
  assert.deepEqual(read("300.1.1.1,, 1.2.3.4\t[::1]:5"), [
    { host: "1.2.3.4", port: undefined },
    { host: "::1", port: 5 },
  ]);
  assert.equal(hostOnly("[::1]:80"), "::1");
  assert.equal(hostOnly("Example:80"), "example");
});

test("an address is one in the forms of RFC 4291 §2.2", () => {
  for (const right of ["::", "::1", "1::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "0.0.0.0"])
    assert.ok(isAddress(right), right);
  for (const wrong of ["", ":", ":::", "1:2", "1:2:3:4:5:6:7:8:9", "::1::"])
    assert.ok(!isAddress(wrong), wrong);
  for (const wrong of ["256.1.1.1", "01.2.3.4", "g::"]) assert.ok(!isAddress(wrong), wrong);
});
