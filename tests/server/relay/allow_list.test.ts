import assert from "node:assert/strict";
import { test } from "node:test";
import { AllowList, isAllowEntry } from "../../../server/relay/allow_list.ts";

test("nothing is allowed by default", () => {
  const none = new AllowList([]);
  assert.equal(none.mayAsk("media.example.com", 443), false);
  assert.equal(none.allows("media.example.com", "203.0.113.1", 443), false);
  assert.equal(none.allows("127.0.0.1", "127.0.0.1", 80), false);
});

test("a name allows the public addresses it resolves to, and no private one", () => {
  const list = new AllowList(["media.example.com"]);
  assert.ok(list.mayAsk("Media.Example.com", 8443));
  assert.ok(list.allows("media.example.com", "203.0.113.1", 443));
  for (const inside of [
    "127.0.0.1",
    "169.254.169.254",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "::",
    "fd00::1",
    "fe80::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "224.0.0.1",
    "255.255.255.255",
    "ff02::1",
  ]) {
    assert.equal(list.allows("media.example.com", inside, 443), false, inside);
  }
  assert.equal(list.mayAsk("other.example.com", 443), false);
  assert.equal(list.mayAsk("media.example.com.evil.test", 443), false);
});

test("a private address is allowed when it is listed itself, whatever the name", () => {
  const list = new AllowList(["10.0.0.0/8:8080", "[fd00::/8]:443", "127.0.0.1"]);
  assert.ok(list.allows("origin.internal", "10.9.9.9", 8080));
  assert.equal(list.allows("origin.internal", "10.9.9.9", 22), false);
  assert.ok(list.allows("10.9.9.9", "10.9.9.9", 8080));
  assert.ok(list.allows("fd00::5", "fd00::5", 443));
  assert.ok(list.allows("localhost", "127.0.0.1", 1234));
  assert.ok(list.allows("::ffff:127.0.0.1", "::ffff:127.0.0.1", 1234));
  assert.equal(list.allows("192.168.0.1", "192.168.0.1", 8080), false);
  // A name may be looked up when only addresses are listed; what it is decides.
  assert.ok(list.mayAsk("origin.internal", 8080));
});

test("a port in an entry is the only one, and *. stands for the names below", () => {
  const list = new AllowList(["*.example.com:443"]);
  assert.ok(list.allows("a.example.com", "203.0.113.1", 443));
  assert.ok(list.allows("a.b.example.com", "203.0.113.1", 443));
  assert.equal(list.allows("a.example.com", "203.0.113.1", 80), false);
  assert.equal(list.allows("example.com", "203.0.113.1", 443), false);
  assert.equal(list.allows("aexample.com", "203.0.113.1", 443), false);
});

test("an address in a URL is not allowed because some name is", () => {
  const list = new AllowList(["*.com", "*.1"]);
  assert.equal(list.allows("203.0.113.1", "203.0.113.1", 443), false);
});

test("what is neither a name nor a range is no entry", () => {
  for (const good of [
    "a",
    "a.b:1",
    "*.a.b",
    "10.0.0.0/8",
    "10.0.0.0/8:80",
    "[::1]:80",
    "2001:db8::/32",
    "::1",
  ]) {
    assert.ok(isAllowEntry(good), good);
  }
  for (const bad of [
    "",
    "a:0",
    "a:70000",
    "10.0.0.0/33",
    "999.1.1.1",
    "http://a",
    "a/b",
    "*",
    "[a]:1",
    "a..:1:2",
  ]) {
    assert.equal(isAllowEntry(bad), false, bad);
  }
});
