import assert from "node:assert/strict";
import { test } from "node:test";
import { parseForwarded } from "../../server/forwarded.ts";

const read = (text: string): unknown => parseForwarded(text)?.map((one) => Object.fromEntries(one));

test("Forwarded is read as RFC 7239 §4 writes it", () => {
  assert.deepEqual(read('for="_gazonk"'), [{ for: "_gazonk" }]);
  assert.deepEqual(read('For="[2001:db8:cafe::17]:4711"'), [{ for: "[2001:db8:cafe::17]:4711" }]);
  assert.deepEqual(read("for=192.0.2.60;proto=http;by=203.0.113.43"), [
    { for: "192.0.2.60", proto: "http", by: "203.0.113.43" },
  ]);
  assert.deepEqual(read("for=192.0.2.43, for=198.51.100.17"), [
    { for: "192.0.2.43" },
    { for: "198.51.100.17" },
  ]);
  assert.deepEqual(read('host="a\\"b;c,d" ; proto=https'), [{ host: 'a"b;c,d', proto: "https" }]);
});

test("Forwarded of another form, or without end, is not read", () => {
  for (const text of ["for", "for=", "for=[::1]", 'for="x', "=x", "for=a b", ";for=a"])
    assert.equal(parseForwarded(text), undefined, text);
  assert.equal(parseForwarded("for=a,".repeat(10_000)), undefined);
});
