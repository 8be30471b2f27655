import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressRanges, isAddressRange, isPrivate } from "../../server/address_ranges.ts";

test("a range holds the addresses with its leading bits (RFC 4632 §3.1)", () => {
  const cases: readonly (readonly [range: string, inside: string, outside: string])[] = [
    ["192.0.2.1", "192.0.2.1", "192.0.2.2"],
    ["10.0.0.0/8", "10.255.255.255", "11.0.0.0"],
    ["172.16.0.0/12", "172.31.255.255", "172.32.0.0"],
    ["192.0.2.128/25", "192.0.2.255", "192.0.2.127"],
    ["192.0.2.4/31", "192.0.2.5", "192.0.2.6"],
    ["192.0.2.77/24", "192.0.2.1", "192.0.3.1"],
    ["fd00::/8", "fdff::1", "fe00::"],
    ["2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"],
    ["2001:db8::1/128", "2001:db8::1", "2001:db8::"],
    ["::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"],
    ["192.0.2.9", "::ffff:192.0.2.9", "::192.0.2.9"],
  ];
  for (const [range, inside, outside] of cases) {
    const ranges = new AddressRanges(["203.0.113.1", range]);
    assert.ok(ranges.has(inside), `${range} has ${inside}`);
    assert.ok(!ranges.has(outside), `${range} has not ${outside}`);
    assert.ok(ranges.has("203.0.113.1"));
  }
});

test("/0 holds every address of its own version, and no range holds what is no address", () => {
  const all = new AddressRanges(["0.0.0.0/0"]);
  assert.ok(all.has("255.255.255.255"));
  assert.ok(!all.has("2001:db8::1"));
  for (const text of ["", "example.com", "10.0.0.1:80", "10.0.0"]) assert.ok(!all.has(text), text);
  assert.ok(!new AddressRanges([]).has("10.0.0.1"));
});

test("what is no range is told from one", () => {
  for (const text of [
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0.0/a",
    "/8",
    "x/8",
    "::ffff:1.2.3.4/95",
  ])
    assert.ok(!isAddressRange(text), text);
  for (const text of ["10.0.0.0/32", "::/0", "::1", "::ffff:1.2.3.4/96"])
    assert.ok(isAddressRange(text), text);
});

test("addresses that are not routed from afar are private", () => {
  for (const address of ["10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"])
    assert.ok(isPrivate(address), address);
  for (const address of ["127.0.0.1", "::1", "::", "fd12::1", "fe80::1", "0.0.0.0"])
    assert.ok(isPrivate(address), address);
  for (const address of ["192.0.2.1", "172.32.0.1", "100.128.0.1", "2001:db8::1", "8.8.8.8"])
    assert.ok(!isPrivate(address), address);
});
